package multiauth

import (
	"encoding/json"
	"errors"

	"github.com/polygate/polygate/sdk"
)

// multiAuth is one configuration.
type multiAuth struct{ asked []asked }

// asked is a plugin that is asked who sent a request.
type asked struct {
	name  string
	hooks sdk.Hooks
}

// refusal is the body of a refusal.
type refusal struct {
	Message string `json:"message"`
}

// rewrite asks one plugin after the other until one lets the request pass. The refusals of the others are dropped then.
func (m *multiAuth) rewrite(x sdk.Exchange) error {
	refused := make([]*attempt, 0, len(m.asked))
	for _, a := range m.asked {
		try := &attempt{Exchange: x, plugin: a.name}
		err := a.hooks.Rewrite(try)
		if err == nil {
			try.replay()
			return nil
		}
		exit, ok := errors.AsType[*sdk.Exit](err)
		if !ok {
			return err
		}
		try.exit = exit
		refused = append(refused, try)
	}
	for _, try := range refused {
		x.Log().Warn(try.plugin+" failed to authenticate the request", "code", try.exit.Status, "error", message(try.exit.Body))
		try.replay()
	}
	return x.Exit(401, refusal{"Authorization Failed"})
}

func (m *multiAuth) close() error {
	var errs []error
	for _, a := range m.asked {
		if a.hooks.Close != nil {
			errs = append(errs, a.hooks.Close())
		}
	}
	return errors.Join(errs...)
}

// message returns what the body of a refusal says.
func message(body any) string {
	switch body := body.(type) {
	case nil:
		return ""
	case string:
		return body
	case []byte:
		return string(body)
	}
	text, err := json.Marshal(body)
	if err != nil {
		return ""
	}
	var said struct {
		Message string `json:"message"`
	}
	if err := json.Unmarshal(text, &said); err != nil || said.Message == "" {
		return string(text)
	}
	return said.Message
}
