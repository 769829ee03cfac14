// Package mocking is the plugin mocking: it answers requests with an example, or with random values that fit a schema, in place of the
// upstream.
package mocking

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/polygate/polygate/internal/template"
	"github.com/polygate/polygate/sdk"
)

//go:embed schema.json
var schema []byte

// mockedBy is the value of the field x-mock-by. It is APISIX's, for those that look for it.
const mockedBy = "APISIX/3.18.0"

// New makes the plugin.
func New() sdk.Plugin { return plugin{} }

type plugin struct{}

// Info implements [sdk.Plugin].
func (plugin) Info() sdk.Info {
	return sdk.Info{Name: "mocking", Version: "0.1", Priority: 10900, Schema: schema}
}

type config struct {
	Delay       float64         `json:"delay"`
	Status      int             `json:"response_status"`
	ContentType string          `json:"content_type"`
	Example     *string         `json:"response_example"`
	Schema      *property       `json:"response_schema"`
	MockHeader  bool            `json:"with_mock_header"`
	Headers     json.RawMessage `json:"response_headers"`
}

// mock is one configuration.
type mock struct {
	delay       time.Duration
	status      int
	contentType string
	header      bool // tell who mocked
	fields      []template.Field
	body        func(sdk.Exchange) any
}

// Configure implements [sdk.Plugin].
func (plugin) Configure(_ context.Context, raw json.RawMessage) (sdk.Hooks, error) {
	var conf config
	if err := json.Unmarshal(raw, &conf); err != nil {
		return sdk.Hooks{}, fmt.Errorf("decode configuration: %w", err)
	}
	mediaType := conf.ContentType
	if end := strings.LastIndexByte(mediaType, ';'); end >= 0 {
		mediaType = mediaType[:end]
	}
	switch mediaType {
	case "application/xml", "application/json", "text/plain", "text/html", "text/xml":
	default:
		return sdk.Hooks{}, errors.New("unsupported content type!") //nolint:revive,staticcheck // APISIX's own text
	}
	m := &mock{
		delay:       time.Duration(max(0, conf.Delay) * float64(time.Second)),
		status:      conf.Status,
		contentType: conf.ContentType,
		header:      conf.MockHeader,
	}
	if conf.Headers != nil {
		var err error
		if m.fields, err = template.Fields(conf.Headers, template.Compile); err != nil {
			return sdk.Hooks{}, err
		}
	}
	if conf.Example != nil {
		m.body = example(*conf.Example)
	} else if m.body = generator(conf.Schema, mediaType); m.body == nil {
		return sdk.Hooks{}, fmt.Errorf("a body of type %s can not be made from response_schema: use a JSON or XML type, or response_example", mediaType)
	}
	return sdk.Hooks{Access: m.access}, nil
}

// example returns a body that is always the same but for its variables.
func example(text string) func(sdk.Exchange) any {
	compiled := template.Compile(text)
	if text, ok := compiled.Static(); ok {
		var body any = text
		return func(sdk.Exchange) any { return body }
	}
	return func(x sdk.Exchange) any { return compiled.Text(template.Source{Vars: x}) }
}

// generator returns a body that is made anew for each request, or nil if there is no way to write that type.
func generator(schema *property, mediaType string) func(sdk.Exchange) any {
	write := writeJSON
	switch mediaType {
	case "application/xml", "text/xml":
		write = writeXML
	case "application/json", "text/plain":
	default:
		return nil
	}
	return func(x sdk.Exchange) any {
		text := string(write(schema.object()))
		if strings.Contains(text, "$") {
			text = template.Compile(text).Text(template.Source{Vars: x})
		}
		return text
	}
}

func (m *mock) access(x sdk.Exchange) error {
	header := x.Response().Header()
	header.Set("Content-Type", m.contentType)
	if m.header {
		header.Set("x-mock-by", mockedBy)
	}
	for i := range m.fields {
		text := m.fields[i].Values[0].Text(template.Source{Vars: x, Escape: template.EscapeControl})
		if text != "" {
			header.Add(m.fields[i].Name, text)
		}
	}
	if m.delay > 0 {
		if err := wait(x.Context(), m.delay); err != nil {
			return err
		}
	}
	return x.Exit(m.status, m.body(x))
}

func wait(ctx context.Context, delay time.Duration) error {
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("delay the answer: %w", context.Cause(ctx))
	}
}
