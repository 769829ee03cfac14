package main

import (
	"fmt"
	"regexp"

	"github.com/spf13/cobra"

	"github.com/polygate/polygate/internal/behave"
)

func newTest(c console) *cobra.Command {
	run, verbose := "", false
	cmd := &cobra.Command{
		Use:   "test DIR...",
		Short: "Run behaviour cases",
		Long: `Test runs the behaviour cases in files and folders: files that end in .txtar, and the blocks of code in Markdown pages that are
marked as txtar. A case says which configuration a gateway is given, what is requested of it, what it must answer, and what its
upstream must receive. The format is described in docs/testing-plugins.md. It ends with 1 if a case fails.`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			o := behave.Options{Start: startTrial(c.env), Verbose: verbose, Out: c.out}
			if run != "" {
				var err error
				if o.Run, err = regexp.Compile(run); err != nil {
					return fmt.Errorf("--run: %w", err)
				}
			}
			cases, err := behave.Load(args...)
			if err != nil {
				return &failure{exitRuntime, err}
			}
			ran, failed, err := behave.RunAll(cmd.Context(), cases, o)
			switch {
			case err != nil:
				return &failure{exitRuntime, err}
			case ran == 0:
				return &failure{exitRuntime, fmt.Errorf("no case ran: %s in %v", count(len(cases), "case"), args)}
			case failed > 0:
				return &failure{code: exitRuntime}
			}
			return nil
		},
	}
	cmd.Flags().StringVarP(&run, "run", "r", "", "only cases whose names match this regular expression")
	cmd.Flags().BoolVarP(&verbose, "verbose", "v", false, "tell about cases that pass, too")
	return cmd
}
