package forwardauth

import (
	"context"
	"errors"
	"fmt"

	"github.com/polygate/polygate/internal/template"
	"github.com/polygate/polygate/sdk"
)

// forwardAuth is one configuration.
type forwardAuth struct {
	service       *service
	method        string
	maxBody       int64
	request       []string // names of fields, without those that must not pass
	extra         []template.Field
	upstream      []string
	client        []string
	statusOnError int
	degradation   bool
}

func newForwardAuth(conf *config) (*forwardAuth, error) {
	f := &forwardAuth{
		method:        conf.Method,
		maxBody:       conf.MaxBody,
		request:       passable(conf.RequestHeaders),
		upstream:      passable(conf.UpstreamHeaders),
		client:        passable(conf.ClientHeaders),
		statusOnError: conf.StatusOnError,
		degradation:   conf.Degradation,
	}
	if conf.ExtraHeaders != nil {
		extra, err := template.Fields(conf.ExtraHeaders, template.Compile)
		if err != nil {
			return nil, fmt.Errorf("extra_headers: %w", err)
		}
		for _, field := range extra {
			if !framing(field.Name) {
				f.extra = append(f.extra, field)
			}
		}
	}
	var err error
	f.service, err = newService(conf)
	return f, err
}

func (f *forwardAuth) access(x sdk.Exchange) error {
	q, err := f.question(x)
	if err != nil {
		// Not the service's failure but the request's: it must not pass as one that nobody could be asked about.
		x.Log().Warn("process forward auth", "error", err)
		return x.Exit(f.statusOnError, nil)
	}
	if f.method == "POST" {
		if q.body, err = x.Request().Body().Bytes(f.maxBody); errors.Is(err, sdk.ErrBodyTooLarge) {
			x.Log().Error("read request body", "error", err)
			return x.Exit(413, nil)
		} else if err != nil {
			return fmt.Errorf("read request body: %w", err)
		}
	}
	a, err := f.service.ask(x.Context(), q)
	switch {
	case err != nil:
		return f.unanswered(x, err)
	case a.status >= 300:
		return f.refuse(x, a)
	}
	f.pass(x, a)
	return nil
}

// question makes the request to the service without its body.
func (f *forwardAuth) question(x sdk.Exchange) (*question, error) {
	q := newQuestion(f.method)
	for _, field := range f.extra {
		if err := q.set(field.Name, field.Values[0].Text(template.Source{Vars: x})); err != nil {
			return nil, err
		}
	}
	if err := f.describe(x, q); err != nil {
		return nil, err
	}
	given := x.Request().Header()
	if f.method == "POST" {
		if values := given.Values("Content-Encoding"); values != nil && !q.has("Content-Encoding") {
			if err := q.set("Content-Encoding", values...); err != nil {
				return nil, err
			}
		}
	}
	for _, name := range f.request {
		if values := given.Values(name); values != nil && !q.has(name) {
			if err := q.set(name, values...); err != nil {
				return nil, err
			}
		}
	}
	return q, nil
}

// describe tells of the request that is asked about.
func (f *forwardAuth) describe(x sdk.Exchange, q *question) error {
	for _, field := range [...]struct{ name, variable string }{
		{"X-Forwarded-Proto", "scheme"},
		{"X-Forwarded-Method", "request_method"},
		{"X-Forwarded-Host", "host"},
		{"X-Forwarded-Uri", "request_uri"},
		{"X-Forwarded-For", "remote_addr"},
	} {
		if q.has(field.name) {
			continue
		}
		value, _ := x.Var(field.variable)
		if err := q.set(field.name, value); err != nil {
			return err
		}
	}
	return nil
}

// unanswered treats a request about which the service could not be asked.
func (f *forwardAuth) unanswered(x sdk.Exchange, err error) error {
	if x.Context().Err() != nil {
		return fmt.Errorf("ask the authorization service: %w", context.Cause(x.Context()))
	}
	x.Log().Warn("process forward auth", "error", err)
	if !f.degradation {
		return x.Exit(f.statusOnError, nil)
	}
	f.pass(x, &answer{})
	return nil
}

func (f *forwardAuth) refuse(x sdk.Exchange, a *answer) error {
	header := x.Response().Header()
	for _, name := range f.client {
		replace(header, name, a.header.Values(name))
	}
	return x.Exit(a.status, a.body)
}

// pass gives the upstream what the service told. A field that it did not tell is removed: the client may have made it up.
func (f *forwardAuth) pass(x sdk.Exchange, a *answer) {
	header := x.Request().Header()
	for _, name := range f.upstream {
		values := a.header.Values(name)
		if len(values) == 0 {
			header.Del(name)
			continue
		}
		replace(header, name, values)
	}
}

// replace does nothing where there are no values.
func replace(header sdk.Header, name string, values []string) {
	for i, value := range values {
		if i == 0 {
			header.Set(name, value)
		} else {
			header.Add(name, value)
		}
	}
}
