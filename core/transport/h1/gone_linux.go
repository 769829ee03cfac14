package h1

import (
	"crypto/tls"
	"encoding/binary"
	"net"
	"sync"
	"syscall"
	"unsafe"
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
	for {
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
		if n < len(s.events) {
			return
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
	// The call never waits, so the scheduler need not know of it.
	_, _, errno := syscall.RawSyscall6(syscall.SYS_RECVFROM, uintptr(fd), uintptr(unsafe.Pointer(&b[0])), 1,
		syscall.MSG_PEEK|syscall.MSG_DONTWAIT, 0, 0)
	return errno != syscall.EAGAIN
}

// acknowledged returns how many bytes the peer of a TCP connection has taken so far, and false where the kernel cannot tell.
func acknowledged(fd int) (bytes uint64, known bool) {
	const offset = 120 // of tcpi_bytes_acked in struct tcp_info, since Linux 4.1
	var info [offset + 8]byte
	size := uint32(len(info))
	_, _, errno := syscall.RawSyscall6(syscall.SYS_GETSOCKOPT, uintptr(fd), syscall.IPPROTO_TCP, syscall.TCP_INFO,
		uintptr(unsafe.Pointer(&info)), uintptr(unsafe.Pointer(&size)), 0)
	return binary.NativeEndian.Uint64(info[offset:]), errno == 0 && int(size) == len(info)
}
