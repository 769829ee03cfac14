package plugintest

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/polygate/polygate/sdk"
)

// state is what a step of the conformance plugin acts upon.
type state struct {
	x        sdk.Exchange
	phase    sdk.Phase
	resource string
	chunk    *sdk.Chunk // nil but in the body filter
}

func runSteps(s *state, steps []step) error {
	for i := range steps {
		for _, group := range [...]func(*state, *step) (bool, error){
			requestStep, headerStep, exchangeStep, consumerStep, endStep, chunkStep,
		} {
			if done, err := group(s, &steps[i]); err != nil {
				return err
			} else if done {
				break
			}
		}
	}
	return nil
}

func requestStep(s *state, step *step) (bool, error) {
	req := s.x.Request()
	switch step.Do {
	case "method":
		s.x.SetVar(step.To, req.Method())
	case "path":
		s.x.SetVar(step.To, req.Path())
	case "query":
		s.x.SetVar(step.To, req.Query())
	case "set_method":
		req.SetMethod(step.Value)
	case "set_path":
		req.SetPath(step.Value)
	case "set_query":
		req.SetQuery(step.Value)
	case "set_body":
		req.Body().Set([]byte(step.Value))
	case "body":
		body, err := req.Body().Bytes(step.Limit)
		switch {
		case errors.Is(err, sdk.ErrBodyTooLarge):
			s.x.SetVar(step.To, "too large")
		case err != nil:
			return true, fmt.Errorf("read body: %w", err)
		default:
			s.x.SetVar(step.To, string(body))
		}
	default:
		return false, nil
	}
	return true, nil
}

func headerStep(s *state, step *step) (bool, error) {
	header := s.x.Request().Header()
	if step.In == "response" {
		header = s.x.Response().Header()
	}
	switch step.Do {
	case "get":
		s.x.SetVar(step.To, header.Get(step.Name))
	case "values":
		s.x.SetVar(step.To, strings.Join(header.Values(step.Name), "|"))
	case "fields":
		var all []string
		for name, value := range header.All() {
			all = append(all, name+"="+value)
		}
		s.x.SetVar(step.To, strings.Join(all, "|"))
	case "set":
		header.Set(step.Name, step.Value)
	case "add":
		header.Add(step.Name, step.Value)
	case "del":
		header.Del(step.Name)
	default:
		return false, nil
	}
	return true, nil
}

func exchangeStep(s *state, step *step) (bool, error) {
	switch step.Do {
	case "var":
		value, ok := s.x.Var(step.Name)
		if !ok {
			value = "(none)"
		}
		s.x.SetVar(step.To, value)
	case "set_var":
		s.x.SetVar(step.Name, step.Value)
	case "scope":
		s.x.SetVar(step.To, s.resource)
	case "status":
		s.x.SetVar(step.To, strconv.Itoa(s.x.Response().Status()))
	case "origin":
		s.x.SetVar(step.To, strconv.Itoa(int(s.x.Response().Origin())))
	case "set_status":
		s.x.Response().SetStatus(step.Status)
	case "log":
		s.x.Log().Info(step.Value, "phase", s.phase.String())
	default:
		return false, nil
	}
	return true, nil
}

func consumerStep(s *state, step *step) (bool, error) {
	consumers := s.x.Consumers()
	var found *sdk.Consumer
	switch step.Do {
	case "find":
		found, _ = consumers.Find(step.Name, step.Value)
	case "by_name":
		found, _ = consumers.ByName(step.Value)
	case "attached":
		name := "(none)"
		if c := consumers.Attached(); c != nil {
			name = c.Username
		}
		s.x.SetVar(step.To, name)
		return true, nil
	default:
		return false, nil
	}
	if found == nil {
		s.x.SetVar(step.To, "(none)")
		return true, nil
	}
	consumers.Attach(found)
	s.x.SetVar(step.To, found.Username+" "+string(found.Conf))
	return true, nil
}

func endStep(s *state, step *step) (bool, error) {
	switch step.Do {
	case "exit":
		return true, s.x.Exit(step.Status, nil)
	case "exit_text":
		return true, s.x.Exit(step.Status, step.Value)
	case "exit_bytes":
		return true, s.x.Exit(step.Status, []byte(step.Value))
	case "exit_json":
		var body any
		if err := json.Unmarshal(step.JSON, &body); err != nil {
			return true, fmt.Errorf("decode body: %w", err)
		}
		return true, s.x.Exit(step.Status, body)
	case "fail":
		return true, errors.New(step.Value)
	case "panic":
		panic(step.Value)
	}
	return false, nil
}

func chunkStep(s *state, step *step) (bool, error) {
	if s.chunk == nil {
		return false, fmt.Errorf("unknown step %q in %s", step.Do, s.phase)
	}
	switch step.Do {
	case "chunk":
		s.chunk.Data = []byte(step.Value)
	case "wrap":
		s.chunk.Data = []byte(step.Value + string(s.chunk.Data) + step.Value)
	case "last":
		if s.chunk.Last {
			s.chunk.Data = append(s.chunk.Data[:len(s.chunk.Data):len(s.chunk.Data)], step.Value...)
		}
	case "seen":
		seen, _ := s.x.Var(step.To)
		seen += string(s.chunk.Data)
		if s.chunk.Last {
			seen += "$"
		}
		s.x.SetVar(step.To, seen)
	default:
		return false, fmt.Errorf("unknown step %q in %s", step.Do, s.phase)
	}
	return true, nil
}
