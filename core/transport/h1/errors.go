package h1

import "errors"

var (
	errTooLong  = errors.New("the body is longer than its Content-Length")
	errTooShort = errors.New("the body is shorter than its Content-Length")
	errHijacked = errors.New("the connection was handed over before")
)
