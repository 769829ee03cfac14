package behave

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// late is how long requests may come in at the upstream, and lines in the log, after the response.
const late = 2 * time.Second

// run is one execution of a case.
type run struct {
	c         *Case
	start     Starter
	dir       string
	upstreams []*upstream // the first is $upstream
	gateway   Running
	client    client
	log       *logBuffer
	failures  Failures
}

// Run starts a gateway and walks through the case. The error is [Failures], or that of ctx. The gateway and everything else that was
// started have ended when it returns.
func (c *Case) Run(ctx context.Context, start Starter) (err error) {
	r := &run{c: c, start: start, log: newLogBuffer()}
	if r.dir, err = os.MkdirTemp("", "polygate-test-"); err != nil {
		return fmt.Errorf("run %s: %w", c.Name, err)
	}
	defer func() {
		if removeErr := os.RemoveAll(r.dir); err == nil {
			err = removeErr
		}
	}()
	defer func() {
		for _, u := range r.upstreams {
			u.close()
		}
	}()
	for range c.upstreams {
		u, err := startUpstream()
		if err != nil {
			return err
		}
		r.upstreams = append(r.upstreams, u)
	}
	if err := r.writeFiles(); err != nil {
		return err
	}
	r.walk(ctx)
	if err := ctx.Err(); err != nil {
		return err
	}
	if len(r.failures) > 0 {
		return r.failures
	}
	return nil
}

func (r *run) writeFiles() error {
	for _, f := range r.c.files {
		path := filepath.Join(r.dir, f.path)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return fmt.Errorf("run %s: %w", r.c.Name, err)
		}
		if err := os.WriteFile(path, []byte(r.fill(f.text)), 0o600); err != nil {
			return fmt.Errorf("run %s: %w", r.c.Name, err)
		}
	}
	return nil
}

// fill replaces the placeholders in a text.
func (r *run) fill(text string) string {
	return placeholder.ReplaceAllStringFunc(text, func(name string) string {
		switch name {
		case "$dir":
			return r.dir
		case "$gateway":
			if r.gateway == nil {
				return name // it has no address before its first configuration
			}
			return r.gateway.Addr("")
		}
		name = strings.TrimPrefix(name, "$upstream")
		n, wantsPort := strings.CutSuffix(name, "_port")
		index := 0
		if n != "" {
			index = int(n[0] - '1')
		}
		addr := r.upstreams[index].addr()
		if wantsPort {
			return addr[strings.LastIndexByte(addr, ':')+1:]
		}
		return addr
	})
}

func (r *run) bytes(s *section) []byte {
	if s == nil {
		return nil
	}
	return []byte(r.fill(s.text))
}

func (r *run) fail(s *section, st *step, text, diff string) {
	f := &Failure{File: r.c.File, Line: s.line, Text: text, Diff: diff}
	if st != nil {
		f.Step = st.String()
	}
	r.failures = append(r.failures, f)
}

func (r *run) walk(ctx context.Context) {
	var settings []byte
	if r.c.settings != nil {
		settings = []byte(r.fill(string(r.c.settings)))
	}
	gateway, err := r.start(ctx, Setup{
		Name: r.c.Name, Dir: r.dir, Settings: settings, Resources: r.bytes(r.c.resources), Log: r.log,
	})
	if err == nil {
		r.gateway = gateway
		defer r.stop()
	}
	begin := r.c.resources
	if begin == nil {
		begin = &section{line: 1}
	}
	if !r.rejected(begin, r.c.startError, nil, err) {
		return
	}
	for _, st := range r.c.steps {
		if ctx.Err() != nil {
			return
		}
		if st.config != nil {
			if !r.rejected(st.config, st.err, st, r.gateway.Apply(ctx, r.bytes(st.config))) {
				return
			}
			continue
		}
		r.request(ctx, st)
	}
}

func (r *run) stop() {
	r.client.close()
	if err := r.gateway.Close(); err != nil {
		r.fail(&section{line: 1}, nil, "the gateway ended with an error: "+err.Error(), "")
	}
}

// rejected compares the error of a configuration with the one that is expected of it, and tells whether all is as it should be.
func (r *run) rejected(config, want *section, st *step, err error) bool {
	switch {
	case want == nil && err == nil:
		return true
	case want == nil:
		r.fail(config, st, "the gateway does not take the configuration: "+err.Error(), "")
		return false
	case err == nil:
		r.fail(want, st, "the gateway takes the configuration; it should not", "")
		return false
	}
	edits := diffLines(patternLines(strings.TrimRight(r.fill(want.text), "\n")), strings.Split(err.Error(), "\n"))
	for _, e := range edits {
		if e.op != same {
			r.fail(want, st, "the error is another one", unified(edits))
			return false
		}
	}
	return true
}

// request takes a step as often as it says, or again until it succeeds or its time is up.
func (r *run) request(ctx context.Context, st *step) {
	if !pause(ctx, st.request.after) {
		return
	}
	deadline := time.Now().Add(st.request.within)
	for n := 1; n <= st.request.repeat; {
		failures := r.once(ctx, st)
		if len(failures) > 0 && time.Now().Before(deadline) && pause(ctx, 20*time.Millisecond) {
			continue
		}
		if len(failures) > 0 {
			if st.request.repeat > 1 {
				failures[0].Step += " (" + strconv.Itoa(n) + " of " + strconv.Itoa(st.request.repeat) + ")"
			}
			r.failures = append(r.failures, failures...)
			return
		}
		n++
	}
}

// once sends the request once and returns what is wrong with what comes of it.
func (r *run) once(ctx context.Context, st *step) Failures {
	before := r.failures
	r.failures = nil
	for i, u := range r.upstreams {
		sections := st.replies[i+1]
		if sections == nil {
			sections = r.c.replies[i+1]
		}
		script := make([]reply, len(sections))
		for k, s := range sections {
			script[k] = reply{s, r.fill(s.text)}
		}
		u.play(script)
	}
	mark := r.log.mark()
	r.exchange(ctx, st)
	if len(r.failures) == 0 {
		r.checkReceived(st)
		r.checkLog(st, mark)
	}
	found := r.failures
	r.failures = before
	return found
}

// pause waits; false if ctx ended before.
func pause(ctx context.Context, d time.Duration) bool {
	if d == 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
