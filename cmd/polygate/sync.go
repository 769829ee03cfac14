package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/polygate/polygate/core/declare"
	"github.com/polygate/polygate/core/declare/remote"
)

// syncFlags are the flags of "polygate sync".
type syncFlags struct {
	adminFlags
	scope   declare.Scope
	dryRun  bool
	quiet   bool
	wait    time.Duration
	control string
}

func newSync(c console) *cobra.Command {
	var f syncFlags
	cmd := &cobra.Command{
		Use:   "sync FILE|FOLDER|-...",
		Short: "Make a running gateway have what files say",
		Long: `Sync changes through the Admin API what differs between the files and the gateway, and nothing else: what is referred to comes before what
refers to it, and is deleted after it. Before the first change everything is validated, here and by the gateway.

What the files do not have is deleted, unless --no-delete is given. With --select only resources with that label are looked at, so that
several teams can each sync files of their own.

A certificate whose private key is not in the files keeps the key that the gateway has.

If a change fails, the changes after it are not tried; it is told which were made, and running it again goes on from there.`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if f.wait > 0 && f.control == "" {
				return errors.New("--wait needs --control, the address of the Control API that knows when a change is in service")
			}
			found, err := f.compare(cmd.Context(), cmd, args, f.scope, c)
			if err != nil {
				return err
			}
			if f.dryRun {
				return found.show("text", c)
			}
			return f.sync(cmd.Context(), found, c)
		},
	}
	f.add(cmd)
	flags := cmd.Flags()
	flags.BoolVar(&f.scope.Keep, "no-delete", false, "delete nothing")
	flags.BoolVar(&f.scope.Keys, "rewrite-keys", false, "write certificates that have a private key in the files, even if nothing differs: the gateway does not show its keys")
	flags.BoolVar(&f.dryRun, "dry-run", false, "show what would be changed, and change nothing")
	flags.BoolVarP(&f.quiet, "quiet", "q", false, "do not print each change")
	flags.DurationVar(&f.wait, "wait", 0, "wait until the changes are in service, at most that long")
	flags.StringVar(&f.control, "control", "", "address of the Control API, such as http://127.0.0.1:9090")
	return cmd
}

// sync makes the changes.
func (f *syncFlags) sync(ctx context.Context, found *comparison, c console) error {
	if err := (&reporter{c, "text"}).explain(found.warnings); err != nil {
		return err
	}
	if err := found.ask(ctx, c); err != nil {
		return err
	}
	result := declare.Apply(ctx, found.client, found.changes, f.parallel)
	if err := f.tell(result, c); err != nil {
		return err
	}
	if len(result.Failed)+len(result.Pending) > 0 {
		return stopped(result, len(found.changes))
	}
	if f.wait > 0 && len(found.changes) > 0 {
		if err := f.inService(ctx, found, result); err != nil {
			return &failure{exitRuntime, err}
		}
	}
	if found.leftOut > 0 {
		return &failure{exitRuntime, errLeftOut}
	}
	return nil
}

// ask has the gateway validate what it would be given.
func (f *comparison) ask(ctx context.Context, c console) error {
	var items []declare.Item
	for _, ch := range f.changes {
		if ch.Op != declare.Delete && ch.Patch == nil {
			items = append(items, ch.Item)
		}
	}
	refused, known, err := f.client.Validate(ctx, items)
	if err != nil {
		return &failure{exitRuntime, err}
	}
	if !known {
		return nil // what it does not like, it says when it is written
	}
	problems := make([]declare.Problem, 0, len(refused))
	for _, r := range refused {
		if declare.Passing(r.Text) {
			continue // when it is written is early enough to see
		}
		problems = append(problems, f.doc.About(r.Item.Key, "the gateway refuses it: "+r.Text))
	}
	return refuse(problems, c)
}

// tell prints what was done.
func (f *syncFlags) tell(r declare.Result, c console) error {
	paint := newPainter(c)
	for i := range r.Applied {
		if f.quiet {
			break
		}
		ch := &r.Applied[i]
		if err := say(c.out, "%s\n", paint.paint(sign(ch.Op), title(ch))); err != nil {
			return err
		}
	}
	for _, bad := range r.Failed {
		if err := say(c.err, "failed: %s: %v\n", bad.Change.Op, bad.Err); err != nil {
			return err
		}
	}
	const most = 20
	for i := range r.Pending {
		if i == most {
			if err := say(c.err, "not tried: %s more\n", count(len(r.Pending)-most, "change")); err != nil {
				return err
			}
			break
		}
		if err := say(c.err, "not tried: %s\n", title(&r.Pending[i])); err != nil {
			return err
		}
	}
	if len(r.Failed) == 0 && len(r.Pending) == 0 {
		return say(c.out, "%s\n", done(r.Applied))
	}
	return nil
}

// done counts what was done, in the past tense.
func done(changes []declare.Change) string {
	counts := map[declare.Op]int{}
	for _, ch := range changes {
		counts[ch.Op]++
	}
	if len(changes) == 0 {
		return "nothing to do"
	}
	return fmt.Sprintf("%d created, %d updated, %d deleted", counts[declare.Create], counts[declare.Update], counts[declare.Delete])
}

func stopped(r declare.Result, all int) error {
	return &failure{exitRuntime, fmt.Errorf("sync stopped: %d of %s made; mend the cause and run it again, it goes on from here",
		len(r.Applied), count(all, "change"))}
}

// inService waits until the gateway serves with the changes.
func (f *syncFlags) inService(ctx context.Context, found *comparison, r declare.Result) error {
	revision, err := found.client.Reached(ctx, found.have, r.Applied)
	if err != nil {
		return fmt.Errorf("find out when the changes were made: %w", err)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, f.wait, fmt.Errorf("the changes are stored, but were not in service within %v", f.wait))
	defer cancel()
	control, err := remote.NewControl(f.control, nil)
	if err != nil {
		return fmt.Errorf("--control: %w", err)
	}
	rejected, err := control.Await(ctx, revision)
	if err != nil {
		return err
	}
	var errs []error
	for _, ch := range r.Applied {
		if reason, ok := rejected[ch.Item.Key]; ok {
			errs = append(errs, fmt.Errorf("%s is stored, but the gateway does not serve with it: %s", ch.Item.Key, reason))
		}
	}
	return errors.Join(errs...)
}
