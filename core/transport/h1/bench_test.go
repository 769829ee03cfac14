package h1

import (
	"net"
	"strings"
	"testing"

	"github.com/polygate/polygate/core/transport"
)

const wrkRequest = "GET /index.html HTTP/1.1\r\nHost: 127.0.0.1:9080\r\n\r\n"

var browserRequest = strings.Join([]string{
	"GET /assets/app/main.css?v=20240917&theme=dark HTTP/1.1",
	"Host: www.example.com",
	"Connection: keep-alive",
	`sec-ch-ua: "Chromium";v="128", "Not;A=Brand";v="24", "Google Chrome";v="128"`,
	"sec-ch-ua-mobile: ?0",
	"User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/128.0.0.0 Safari/537.36",
	`sec-ch-ua-platform: "Linux"`,
	"Accept: text/css,*/*;q=0.1",
	"Sec-Fetch-Site: same-origin",
	"Sec-Fetch-Mode: no-cors",
	"Referer: https://www.example.com/start/page?from=mail",
	"Accept-Encoding: gzip, deflate, br, zstd",
	"Cookie: session=0f8fad5b-d9cb-469f-a165-70867728950e; theme=dark; _ga=GA1.2.1234567890.1690000000",
	"", "",
}, "\r\n")

const upstreamResponse = "HTTP/1.1 200 OK\r\nServer: nginx/1.22.1\r\nDate: Tue, 17 Sep 2024 10:00:00 GMT\r\nContent-Type: text/plain\r\n" +
	"Content-Length: 1024\r\nLast-Modified: Mon, 16 Sep 2024 10:00:00 GMT\r\nConnection: keep-alive\r\nETag: \"66e8a1b2-400\"\r\n" +
	"Accept-Ranges: bytes\r\n\r\n"

func BenchmarkParseRequest(b *testing.B) {
	for _, bb := range []struct{ name, head string }{{"wrk", wrkRequest}, {"browser", browserRequest}} {
		b.Run(bb.name, func(b *testing.B) {
			head := []byte(bb.head)
			limits := transport.DefaultLimits()
			var r transport.Request
			b.ReportAllocs()
			b.SetBytes(int64(len(head)))
			for b.Loop() {
				if n, e := headEnd(head, 0); e != nil || n != len(head) {
					b.Fatal(n, e)
				}
				if e := parseRequest(head, &r, &limits); e != nil {
					b.Fatal(e)
				}
			}
		})
	}
}

func BenchmarkParseResponse(b *testing.B) {
	head := []byte(upstreamResponse)
	var r transport.Response
	b.ReportAllocs()
	b.SetBytes(int64(len(head)))
	for b.Loop() {
		if e := parseResponse(head, &r); e != nil {
			b.Fatal(e)
		}
	}
}

// nowhere is a connection that takes everything.
type nowhere struct{ net.Conn }

func (nowhere) Write(p []byte) (int, error) { return len(p), nil }

func BenchmarkOutput(b *testing.B) {
	w := NewWatch()
	defer w.Close()
	g := w.guard(nowhere{})
	defer g.remove()
	limits := transport.DefaultLimits()
	b.Run("respond", func(b *testing.B) {
		var r transport.Response
		if e := parseResponse([]byte(upstreamResponse), &r); e != nil {
			b.Fatal(e)
		}
		o := output{nc: nowhere{}, guard: g}
		page := make([]byte, 1024)
		b.ReportAllocs()
		for b.Loop() {
			o.begin(1)
			o.respond(&r, false, false)
			if o.write(page, true) != nil || o.finish(nil) != nil {
				b.Fatal("the response was not sent")
			}
		}
	})
	b.Run("request", func(b *testing.B) {
		var r transport.Request
		if e := parseRequest([]byte(browserRequest), &r, &limits); e != nil {
			b.Fatal(e)
		}
		out := transport.Outbound{Request: &r, Host: r.Host, Prefix: []byte("X-Real-IP: 127.0.0.1\r\nX-Forwarded-For: 127.0.0.1\r\n")}
		o := output{nc: nowhere{}, guard: g}
		b.ReportAllocs()
		for b.Loop() {
			o.begin(1)
			o.request(&out)
			if o.finish(nil) != nil {
				b.Fatal("the request was not sent")
			}
		}
	})
}
