package main

import (
	"os"
	"runtime"
	"runtime/debug"
)

// garbageRoom is how much garbage may gather before it is collected, once there is more that lives: the configuration of very many
// routes lives long, and as much room for garbage again would never be needed.
const garbageRoom = 160 << 20

// trimHeap gives back what was needed to read a whole configuration, and bounds the room for garbage. A GOGC in the environment is
// left as it is.
func trimHeap() {
	debug.FreeOSMemory()
	if os.Getenv("GOGC") != "" {
		return
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	debug.SetGCPercent(min(max(int(garbageRoom*100/max(m.HeapAlloc, 1)), 25), 100))
}
