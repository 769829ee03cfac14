package hostile

import (
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"
)

// seen is what a client saw of a case.
type seen struct {
	status    string
	responses int // final ones that came to their end
	bytes     []byte
	took      time.Duration
}

// How long a client waits.
const (
	patience      = 3 * time.Second // for a response
	timedPatience = 2 * time.Minute // in cases that are about time
	afterglow     = 400 * time.Millisecond
)

// dial connects from a loopback address, which is not one that a gateway trusts by default.
func dial(from, to string) (net.Conn, error) {
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}, Timeout: patience}
	return d.Dial("tcp", to)
}

// wire is the receiving side of a connection.
type wire struct {
	mu      sync.Mutex
	data    []byte // guarded by mu
	closed  bool   // guarded by mu
	changed chan struct{}
}

func (w *wire) receive(conn net.Conn) {
	buf := make([]byte, 64<<10)
	for {
		n, err := conn.Read(buf)
		w.mu.Lock()
		w.data = append(w.data, buf[:n]...)
		w.closed = err != nil
		w.mu.Unlock()
		select {
		case w.changed <- struct{}{}:
		default:
		}
		if err != nil {
			return
		}
	}
}

func (w *wire) state() (data []byte, closed bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.data[:len(w.data):len(w.data)], w.closed
}

// observe sends the parts and watches until the connection ends, or a response came and nothing behind it, or patience ends.
func observe(conn net.Conn, c *testCase) seen {
	begin := time.Now()
	w := &wire{changed: make(chan struct{}, 1)}
	done, sent := make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() { w.receive(conn) })
	wg.Go(func() {
		defer close(sent)
		for i := range c.Raw {
			if !c.Raw[i].send(conn, done) {
				return
			}
		}
	})
	s := watch(w, c, sent, begin)
	close(done)
	conn.Close()
	wg.Wait()
	return s
}

func watch(w *wire, c *testCase, sent <-chan struct{}, begin time.Time) seen {
	limit := patience
	if c.Timed {
		limit = timedPatience
	}
	deadline := time.NewTimer(limit)
	defer deadline.Stop()
	var answered time.Duration
	for {
		data, closed := w.state()
		s := read(data, closed, c.head())
		s.took = time.Since(begin)
		if closed {
			return s
		}
		var quiet <-chan time.Time
		if s.responses > 0 {
			if answered == 0 {
				answered = s.took
			}
			s.took = answered
			if sent == nil {
				quiet = time.After(afterglow)
			}
		}
		select {
		case <-w.changed:
		case <-sent:
			sent = nil
			deadline.Reset(limit)
		case <-quiet:
			return s
		case <-deadline.C:
			return s
		}
	}
}

// read makes out the responses in what has come so far.
func read(data []byte, closed, head bool) seen {
	s := seen{bytes: data}
	for rest := data; len(rest) > 0; {
		m := readMessage(rest, true, head && s.responses == 0)
		status := m.status()
		if status/100 == 1 || status == 204 || status == 304 {
			m = readMessage(rest, true, true)
		}
		if m.open && closed {
			m.whole = true
		}
		if status >= 200 || status == 101 {
			s.first(status, m.whole && !m.bad)
		}
		if !m.whole || m.bad {
			break
		}
		if status >= 200 || status == 101 {
			s.responses++
		}
		rest = rest[m.size:]
	}
	switch {
	case s.status != "":
	case closed:
		s.status = "close"
	default:
		s.status = "timeout"
	}
	return s
}

func (s *seen) first(status int, whole bool) {
	if s.status != "" {
		return
	}
	if s.status = strconv.Itoa(status); !whole {
		s.status = "cut:" + s.status
	}
}

// probe makes an ordinary request on a new connection and checks that the answer is its own.
func probe(addr, path string) error {
	conn, err := dial("127.0.0.2", addr)
	if err != nil {
		return fmt.Errorf("the gateway is gone: %w", err)
	}
	request := "GET " + path + " HTTP/1.1\r\nHost: localhost\r\napikey: k1\r\nConnection: close\r\n\r\n"
	s := observe(conn, &testCase{Raw: []part{{text: request, times: 1}}})
	if s.status != "200" || s.responses != 1 || !strings.Contains(string(s.bytes), "\r\n\r\nGET "+path+" HTTP/1.1\r\n") {
		return fmt.Errorf("another request is answered with %s: %q", s.status, s.bytes)
	}
	return nil
}
