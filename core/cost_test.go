package core_test

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/polygate/polygate/core"
	"github.com/polygate/polygate/sdk"
)

// still is an upstream that answers requests without a body and allocates nothing meanwhile.
func still(t testing.TB) string {
	reply := []byte("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 4\r\n\r\nfine")
	end := []byte("\r\n\r\n")
	return serveRaw(t, func(c *client, _ int) {
		buf := make([]byte, 4096)
		for n := 0; ; {
			m, err := c.Conn.Read(buf[n:])
			if err != nil {
				return
			}
			if n += m; !bytes.HasSuffix(buf[:n], end) {
				continue
			}
			if _, err := c.Write(reply); err != nil {
				return
			}
			n = 0
		}
	}).addr()
}

// ask sends a request again and again and reads as many bytes as the first response had.
func ask(t testing.TB, addr string, request []byte) func() {
	c := dial(t, addr)
	if err := c.SetDeadline(time.Time{}); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 4096)
	size := 0
	return func() {
		if _, err := c.Write(request); err != nil {
			t.Fatal(err)
		}
		for n := 0; n < size || size == 0; {
			m, err := c.Conn.Read(buf[n:])
			if err != nil {
				t.Fatal(err)
			}
			if n += m; size == 0 && bytes.HasSuffix(buf[:n], []byte("fine")) {
				size = n
			}
		}
	}
}

// TestAllocations counts what a request costs the allocator: client, gateway and upstream are all in this process.
func TestAllocations(t *testing.T) {
	if underRace {
		t.Skip("the race detector allocates too")
	}
	tests := []struct {
		name, plugins string
		lines         []string
		most          float64
	}{
		{"an empty plan", "{}", nil, 0},
		{"an empty plan and a browser", "{}", []string{
			"User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0", "Accept: text/html,application/xhtml+xml",
			"Accept-Language: en-US,en;q=0.5", "Accept-Encoding: gzip, deflate, br", "Cookie: session=0123456789abcdef", "X-Forwarded-For: 1.2.3.4",
		}, 0},
		{"a plugin that looks at nothing", `{"nothing":{}}`, nil, 0},
		{"a plugin that reads", `{"reads":{}}`, nil, 1}, // the head becomes ordinary strings
	}
	nothing := func(sdk.Exchange) error { return nil }
	g := start(t, []sdk.Plugin{
		native("nothing", 1, sdk.Hooks{Rewrite: nothing, Access: nothing, BeforeProxy: nothing, HeaderFilter: nothing, Log: func(sdk.Exchange) {}}),
		native("reads", 2, sdk.Hooks{Access: func(x sdk.Exchange) error {
			if v, _ := x.Var("http_host"); v == "" || x.Request().Header().Get("Host") == "" {
				return x.Exit(555, nil)
			}
			return nil
		}}),
	}, func(o *core.Options) { o.AccessLog = nil })
	up := still(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			// A new connection to the upstream now and then would count.
			g.put("routes/1", `{"uri":"/*","plugins":#,"upstream":#}`, tt.plugins,
				upstreamWith(`"keepalive_pool":{"size":10,"idle_timeout":60,"requests":1000000},`, up))
			once := ask(t, g.addr, []byte(request("GET", "/path?x=1", "", tt.lines...)))
			for range 200 {
				once()
			}
			if got := mallocs(3000, once); got > tt.most+0.02 {
				t.Errorf("got %.3f allocations for a request, want %v", got, tt.most)
			}
		})
	}
}

// mallocs returns the allocations of the whole process for one call of f.
func mallocs(n int, f func()) float64 {
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range n {
		f()
	}
	runtime.ReadMemStats(&after)
	return float64(after.Mallocs-before.Mallocs) / float64(n)
}

func BenchmarkProxy(b *testing.B) {
	g := start(b, nil, func(o *core.Options) { o.AccessLog = nil })
	g.route("", still(b))
	once := ask(b, g.addr, []byte(request("GET", "/path", "")))
	b.ReportAllocs()
	for b.Loop() {
		once()
	}
}

// TestStreaming moves large bodies and watches the memory of the process.
func TestStreaming(t *testing.T) {
	if underRace {
		t.Skip("the race detector keeps books in memory")
	}
	const most = 32 << 20
	size := int64(256 << 20)
	if s := os.Getenv("POLYGATE_STREAM_BYTES"); s != "" {
		var err error
		if size, err = strconv.ParseInt(s, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	piece := make([]byte, 64<<10)
	u := serveRaw(t, func(c *client, _ int) {
		for lines := c.requestHead(); lines != nil; lines = c.requestHead() {
			_ = c.SetDeadline(time.Now().Add(10 * time.Minute))
			if strings.HasPrefix(lines[0], "POST") {
				n, _ := io.CopyBuffer(io.Discard, plain{io.LimitReader(c.r, size)}, make([]byte, 64<<10))
				c.reply(fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%d", len(fmt.Sprint(n)), n))
				continue
			}
			c.reply(fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", size))
			for left := size; left > 0; left -= int64(len(piece)) {
				if _, err := c.Write(piece); err != nil {
					return
				}
			}
		}
	})
	g := start(t, []sdk.Plugin{native("pass", 1, sdk.Hooks{BodyFilter: func(sdk.Exchange, *sdk.Chunk) error { return nil }})})
	for _, plugins := range []string{"{}", `{"pass":{}}`} {
		g.route(plugins, u.addr())
		t.Run("down "+plugins, func(t *testing.T) {
			grew := growth(t, func(c *client) {
				c.send(request("GET", "/", ""))
				c.head()
				if n, err := io.CopyBuffer(io.Discard, plain{io.LimitReader(c.r, size)}, make([]byte, 64<<10)); n != size || err != nil {
					t.Errorf("got %d bytes and %v, want %d", n, err, size)
				}
			}, g.addr)
			if grew > most {
				t.Errorf("the process grew by %d KiB, want at most %d KiB", grew>>10, most>>10)
			}
		})
	}
	t.Run("up", func(t *testing.T) {
		grew := growth(t, func(c *client) {
			c.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: " + fmt.Sprint(size) + "\r\n\r\n")
			for left := size; left > 0; left -= int64(len(piece)) {
				if _, err := c.Write(piece); err != nil {
					t.Fatal(err)
				}
			}
			if got := c.read("POST"); got.body != fmt.Sprint(size) {
				t.Errorf("got %q, want %d bytes to have arrived", got.body, size)
			}
		}, g.addr)
		if grew > most {
			t.Errorf("the process grew by %d KiB, want at most %d KiB", grew>>10, most>>10)
		}
	})
}

// plain hides what a reader can do besides reading.
type plain struct{ io.Reader }

// growth returns by how many bytes the process was larger, at most, while f ran.
func growth(t testing.TB, f func(*client), addr string) int64 {
	t.Helper()
	c := dial(t, addr)
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(10 * time.Minute))
	debug.FreeOSMemory()
	before := resident(t)
	stop, peak := make(chan struct{}), make(chan int64)
	go func() {
		largest := int64(0)
		ticker := time.NewTicker(10 * time.Millisecond)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				largest = max(largest, resident(t))
			case <-stop:
				peak <- largest
				return
			}
		}
	}()
	f(c)
	close(stop)
	return <-peak - before
}

func resident(t testing.TB) int64 {
	data, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		t.Skip("the system does not tell how large a process is")
	}
	fields := strings.Fields(string(data))
	pages, _ := strconv.ParseInt(fields[1], 10, 64)
	return pages * int64(os.Getpagesize())
}
