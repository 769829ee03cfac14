// Command floor is a proxy without routes, plugins or anything else: what a gateway on fasthttp cannot be cheaper than. The CPU time
// of other proxies is told in multiples of its.
package main

import (
	"flag"
	"fmt"
	"os"

	"github.com/valyala/fasthttp"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:9080", "address to listen on")
	upstream := flag.String("upstream", "127.0.0.1:1980", "address of the upstream")
	flag.Parse()

	client := &fasthttp.HostClient{Addr: *upstream, MaxConns: 512, NoDefaultUserAgentHeader: true}
	server := &fasthttp.Server{
		NoDefaultServerHeader: true,
		MaxRequestBodySize:    1 << 30,
		Handler: func(ctx *fasthttp.RequestCtx) {
			ctx.Request.Header.Del("Connection")
			if err := client.Do(&ctx.Request, &ctx.Response); err != nil {
				ctx.Error(err.Error(), fasthttp.StatusBadGateway)
				return
			}
			ctx.Response.Header.Del("Connection")
		},
	}
	if err := server.ListenAndServe(*listen); err != nil {
		fmt.Fprintln(os.Stderr, "floor:", err)
		os.Exit(1)
	}
}
