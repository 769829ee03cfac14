// The proxy that is the unit of the measurements: apart, so that the gateway does not depend on what it is made of.
module github.com/polygate/polygate/bench/floor

go 1.26

require github.com/valyala/fasthttp v1.74.0

require (
	github.com/klauspost/compress v1.20.0 // indirect
	github.com/molecule-man/go-brrr v1.0.1 // indirect
	github.com/valyala/bytebufferpool v1.0.0 // indirect
)
