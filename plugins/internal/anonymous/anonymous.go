// Package anonymous is what authentication plugins do for a request without credentials where anonymous_consumer is configured.
package anonymous

import "github.com/polygate/polygate/sdk"

// Attach makes the consumer of that name the request's. It returns false, and says so in the log, if there is none. A request with
// wrong credentials must not come here.
func Attach(x sdk.Exchange, name string) bool {
	consumer, ok := x.Consumers().ByName(name)
	if !ok {
		x.Log().Error("the anonymous consumer does not exist: create it or remove anonymous_consumer", "consumer", name)
		return false
	}
	x.Consumers().Attach(consumer)
	return true
}
