package hostile

import (
	"bytes"
	"fmt"
	"net"
	"sync"
	"testing"
	"time"
)

// upstream remembers every byte that it is sent, and answers each request with the request itself, or by a script.
type upstream struct {
	l  net.Listener
	wg sync.WaitGroup

	mu       sync.Mutex
	conns    map[net.Conn]bool // guarded by mu, as all that follows
	received []byte
	requests int // whose head has come
	script   script
	last     time.Time // when something came
}

func newUpstream(t *testing.T) *upstream {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	u := &upstream{l: l, conns: map[net.Conn]bool{}}
	u.wg.Go(u.accept)
	t.Cleanup(u.close)
	return u
}

func (u *upstream) close() {
	u.l.Close()
	u.mu.Lock()
	for c := range u.conns {
		c.Close()
	}
	u.mu.Unlock()
	u.wg.Wait()
}

func (u *upstream) accept() {
	for {
		conn, err := u.l.Accept()
		if err != nil {
			return
		}
		u.mu.Lock()
		u.conns[conn] = true
		u.mu.Unlock()
		u.wg.Go(func() {
			u.serve(conn)
			conn.Close()
			u.mu.Lock()
			delete(u.conns, conn)
			u.mu.Unlock()
		})
	}
}

// begin forgets what was received, and takes the script for the next request.
func (u *upstream) begin(s script) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.received, u.requests, u.script = nil, 0, s
}

// settled returns what was received, once nothing has come for a moment.
func (u *upstream) settled() (received []byte, requests int) {
	const moment = 30 * time.Millisecond
	for {
		u.mu.Lock()
		quiet := time.Since(u.last)
		received, requests = bytes.Clone(u.received), u.requests
		u.mu.Unlock()
		if quiet > moment {
			return received, requests
		}
		<-time.After(moment - quiet + time.Millisecond)
	}
}

// note remembers bytes and, with a head, its request; the script is the first one's.
func (u *upstream) note(b []byte, head bool) (s script) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.received = append(u.received, b...)
	u.last = time.Now()
	if head {
		u.requests++
		s, u.script = u.script, script{}
	}
	return s
}

func (u *upstream) serve(conn net.Conn) {
	var ahead []byte
	for {
		begun := headLength(ahead) >= 0
		if !begun {
			if ahead = u.read(conn, ahead); ahead == nil {
				return
			}
			continue
		}
		s := u.note(nil, true)
		m := readMessage(ahead, false, false)
		for !m.whole && !s.Early {
			if ahead = u.read(conn, ahead); ahead == nil {
				return
			}
			m = readMessage(ahead, false, false)
		}
		if !answer(conn, ahead[:m.size], s) || m.bad || s.Close {
			return
		}
		for s.Early && !m.whole {
			if ahead = u.read(conn, ahead); ahead == nil {
				return
			}
			m = readMessage(ahead, false, false)
		}
		ahead = ahead[m.size:]
	}
}

// read adds what comes next; nil: nothing comes.
func (u *upstream) read(conn net.Conn, ahead []byte) []byte {
	buf := make([]byte, 64<<10)
	n, err := conn.Read(buf)
	if n == 0 && err != nil {
		return nil
	}
	u.note(buf[:n], false)
	return append(ahead, buf[:n]...)
}

// answer writes the script's response, or an echo of at most 64 KiB.
func answer(conn net.Conn, request []byte, s script) bool {
	if len(s.Raw) > 0 || s.Close {
		for i := range s.Raw {
			if !s.Raw[i].send(conn, nil) {
				return false
			}
		}
		return true
	}
	body := request[:min(len(request), 64<<10)]
	head := fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n", len(body))
	if bytes.HasPrefix(request, []byte("HEAD ")) {
		body = nil
	}
	_, err := conn.Write(append([]byte(head), body...))
	return err == nil
}
