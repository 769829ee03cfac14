package behave

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"time"
)

const helloWorld = "200\nContent-Type: text/plain\n\nhello world\\n" // with escapes

// upstream is a server that answers by a script and keeps what it was asked.
type upstream struct {
	listener net.Listener
	wg       sync.WaitGroup
	stop     chan struct{}

	mu       sync.Mutex // guards the fields below
	script   []reply
	received []*message
	conns    map[net.Conn]bool
	arrived  chan struct{} // closed and replaced whenever a request comes
}

// reply is an answer of the script.
type reply struct {
	section *section
	text    string // with its placeholders replaced
}

func startUpstream() (*upstream, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("start the upstream: %w", err)
	}
	u := &upstream{listener: l, stop: make(chan struct{}), conns: map[net.Conn]bool{}, arrived: make(chan struct{})}
	u.wg.Go(u.accept)
	return u, nil
}

func (u *upstream) addr() string { return u.listener.Addr().String() }

func (u *upstream) close() {
	close(u.stop)
	_ = u.listener.Close() // ends accept; there is nothing else to lose
	u.mu.Lock()
	for c := range u.conns {
		_ = c.Close() // ends serve
	}
	u.mu.Unlock()
	u.wg.Wait()
}

// play begins a script and forgets what was received.
func (u *upstream) play(script []reply) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.script, u.received = script, nil
}

// wait returns what was received, as soon as it is n requests or time is up.
func (u *upstream) wait(n int, limit time.Duration) []*message {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	for {
		u.mu.Lock()
		got, arrived := u.received, u.arrived
		u.mu.Unlock()
		if len(got) >= n {
			return got
		}
		select {
		case <-arrived:
		case <-timer.C:
			return got
		}
	}
}

func (u *upstream) accept() {
	for {
		c, err := u.listener.Accept()
		if err != nil {
			return
		}
		u.mu.Lock()
		u.conns[c] = true
		u.mu.Unlock()
		u.wg.Go(func() {
			u.serve(c)
			_ = c.Close() // whatever was to be said has been said
			u.mu.Lock()
			delete(u.conns, c)
			u.mu.Unlock()
		})
	}
}

func (u *upstream) serve(c net.Conn) {
	in := bufio.NewReader(c)
	for {
		m, err := readHead(in)
		if err != nil {
			return
		}
		if strings.EqualFold(m.value("Expect"), "100-continue") {
			if _, err := io.WriteString(c, "HTTP/1.1 100 Continue\r\n\r\n"); err != nil {
				return
			}
		}
		bodyErr := readBody(in, m, false)
		r := u.note(m)
		if bodyErr != nil || !u.answer(c, m, r) {
			return
		}
	}
}

// note keeps a request and returns the answer to it. The last answer of a script is given again and again.
func (u *upstream) note(m *message) reply {
	u.mu.Lock()
	defer u.mu.Unlock()
	r := reply{&section{header: header{flags: []string{"escapes"}}}, helloWorld}
	if len(u.script) > 0 {
		r = u.script[min(len(u.received), len(u.script)-1)]
	}
	u.received = append(u.received, m)
	close(u.arrived)
	u.arrived = make(chan struct{})
	return r
}

// answer writes the answer and tells whether the connection stays open.
func (u *upstream) answer(c net.Conn, m *message, r reply) bool {
	if r.section.delay > 0 {
		timer := time.NewTimer(r.section.delay)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-u.stop:
			return false
		}
	}
	if r.section.has("close") && strings.TrimSpace(r.text) == "" {
		return false
	}
	method, _, _ := strings.Cut(m.first, " ")
	_, err := io.WriteString(c, replyBytes(r.section, r.text, method))
	return err == nil && !r.section.has("close") && !strings.EqualFold(m.value("Connection"), "close")
}
