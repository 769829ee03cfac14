package behave

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const answerTime = 10 * time.Second // for the gateway to answer in

// client sends bytes as they are and reads responses as they come.
type client struct {
	addr string   // of conn
	conn net.Conn // of the request before; nil: none is open
	in   *bufio.Reader
}

func (c *client) close() {
	if c.conn != nil {
		_ = c.conn.Close() // it was only read from, there is nothing to lose
		c.conn = nil
	}
}

// send writes a request, on the connection of the one before if keep is true and that leads to the same address.
func (c *client) send(ctx context.Context, addr, data string, keep bool) error {
	if !keep || addr != c.addr {
		c.close()
	}
	if c.conn == nil {
		conn, err := (&net.Dialer{Timeout: answerTime}).DialContext(ctx, "tcp", addr)
		if err != nil {
			return fmt.Errorf("connect to the gateway: %w", err)
		}
		c.addr, c.conn, c.in = addr, conn, bufio.NewReader(conn)
	}
	if err := c.conn.SetDeadline(time.Now().Add(answerTime)); err != nil {
		return err
	}
	_, err := io.WriteString(c.conn, data)
	if err != nil && !closedByPeer(err) { // it may have answered before it closed
		return fmt.Errorf("send: %w", err)
	}
	return nil
}

// receive reads one response; nil if the connection was closed instead.
func (c *client) receive(method string) (*message, error) {
	for {
		m, err := readHead(c.in)
		if errors.Is(err, io.EOF) || closedByPeer(err) {
			return nil, nil
		}
		if err != nil {
			return nil, fmt.Errorf("receive: %w", err)
		}
		fields := strings.Fields(m.first)
		if len(fields) < 2 || !strings.HasPrefix(fields[0], "HTTP/") {
			return m, nil
		}
		status, _ := strconv.Atoi(fields[1])
		switch {
		case status > 100 && status < 200 && status != 101, status == 100:
			continue
		case status == 101, status == 204, status == 304, method == "HEAD":
			return m, nil
		}
		if err := readBody(c.in, m, true); err != nil {
			return m, fmt.Errorf("receive: %w", err)
		}
		return m, nil
	}
}

func closedByPeer(err error) bool {
	return errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}
