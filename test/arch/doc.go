// Package arch holds the rules that the source of this project keeps, as tests: who imports whom, how large files and functions
// may be, what is documented, and what no file contains.
//
// Every rule reads the files itself. None of them runs the go command, because the result of such a test would be cached wrongly.
package arch
