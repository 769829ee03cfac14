package sdk

import (
	"errors"
	"fmt"
)

// ErrBodyTooLarge is returned by [Body.Bytes] for a body that is larger than the limit.
var ErrBodyTooLarge = errors.New("body is larger than the limit")

// Exit is the error of [Exchange.Exit]: a plugin's decision to answer the request itself.
type Exit struct {
	Status int // 200..599
	Body   any // see [Exchange.Exit]
}

// Error describes the decision, for logs and tests.
func (e *Exit) Error() string { return fmt.Sprintf("exit with status %d", e.Status) }
