//go:build !linux

package h1

import "net"

// A goneSet notices peers that go away; only Linux can tell.
type goneSet struct{}

func newGoneSet() *goneSet { return &goneSet{} }

func (*goneSet) close()        {}
func (*goneSet) watch(*guard)  {}
func (*goneSet) forget(*guard) {}
func (*goneSet) poll()         {}

func descriptor(net.Conn) int { return -1 }

func readable(int) bool { return false }

func acknowledged(int) (bytes uint64, known bool) { return 0, false }
