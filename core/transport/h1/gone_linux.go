package h1

import (
	"crypto/tls"
	"net"
	"sync"
	"syscall"
)

// A goneSet notices peers that close their end of a connection. The kernel tells it (EPOLLRDHUP), so that a long wait costs nothing.
type goneSet struct {
	epoll  int // -1 where the kernel gave none
	events [64]syscall.EpollEvent

	mu      sync.Mutex
	watched map[int32]*guard // by descriptor; guarded by mu
}

const rdhup = 0x2000 // EPOLLRDHUP

func newGoneSet() *goneSet {
	fd, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	if err != nil {
		fd = -1
	}
	return &goneSet{epoll: fd, watched: map[int32]*guard{}}
}

func (s *goneSet) close() {
	if s.epoll >= 0 {
		_ = syscall.Close(s.epoll)
	}
}

// watch begins to watch a guard's connection. The guard's waitingSince becomes negative: it is watched.
func (s *goneSet) watch(g *guard) {
	if s.epoll < 0 || g.fd < 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if since := g.waitingSince.Load(); since <= 0 || !g.waitingSince.CompareAndSwap(since, -since) {
		return
	}
	event := syscall.EpollEvent{Events: rdhup | syscall.EPOLLONESHOT, Fd: int32(g.fd)}
	if err := syscall.EpollCtl(s.epoll, syscall.EPOLL_CTL_ADD, g.fd, &event); err == nil {
		s.watched[int32(g.fd)] = g
	}
}

func (s *goneSet) forget(g *guard) {
	if g.fd < 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.watched[int32(g.fd)] == g {
		delete(s.watched, int32(g.fd))
		_ = syscall.EpollCtl(s.epoll, syscall.EPOLL_CTL_DEL, g.fd, nil)
	}
}

func (s *goneSet) poll() {
	s.mu.Lock()
	idle := len(s.watched) == 0
	s.mu.Unlock()
	if idle {
		return
	}
	n, err := syscall.EpollWait(s.epoll, s.events[:], 0)
	if err != nil {
		return
	}
	for _, event := range s.events[:n] {
		s.mu.Lock()
		g := s.watched[event.Fd]
		s.mu.Unlock()
		if g != nil {
			g.peerGone()
		}
	}
}

func descriptor(nc net.Conn) int {
	if t, ok := nc.(*tls.Conn); ok {
		nc = t.NetConn()
	}
	sc, ok := nc.(syscall.Conn)
	if !ok {
		return -1
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return -1
	}
	fd := -1
	if err := raw.Control(func(d uintptr) { fd = int(d) }); err != nil {
		return -1
	}
	return fd
}

// readable tells whether a read would return at once: data, the end, or an error.
func readable(fd int) bool {
	var b [1]byte
	_, _, err := syscall.Recvfrom(fd, b[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
	return err != syscall.EAGAIN
}
