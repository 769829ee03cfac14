package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/polygate/polygate/core/declare"
)

func newDump(c console) *cobra.Command {
	var f adminFlags
	output := ""
	cmd := &cobra.Command{
		Use:   "dump",
		Short: "Print what a running gateway has, as a file",
		Long: `Dump prints all resources of a gateway as YAML, in the format that sync, validate, and gateways without a store read. The same
configuration is always printed the same way, so that the file can be kept under version control.

The file has the secrets that the Admin API shows, such as the keys of consumers, and is to be kept like them. It does not have the private
keys of certificates, which the Admin API never shows; a comment stands where one is missing.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			labels, err := declare.ParseLabels(f.labels)
			if err != nil {
				return fmt.Errorf("--select: %w", err)
			}
			client, err := f.client(c)
			if err != nil {
				return err
			}
			items, err := client.All(cmd.Context(), f.parallel)
			if err != nil {
				return &failure{exitRuntime, err}
			}
			items = declare.Select(items, labels)
			if err := printDump(items, output, c); err != nil {
				return err
			}
			if n := declare.Keyless(items); n > 0 {
				return say(c.err, "warning: %s without private keys: the Admin API does not show them\n", count(n, "certificate"))
			}
			return nil
		},
	}
	f.add(cmd)
	cmd.Flags().StringVarP(&output, "output", "o", "", "file to write, whole or not at all, instead of printing")
	return cmd
}

func printDump(items []declare.Item, path string, c console) error {
	text := string(declare.Encode(items))
	if path == "" {
		return say(c.out, "%s", text)
	}
	if err := writePrivate(path, text); err != nil {
		return &failure{exitRuntime, fmt.Errorf("write what the gateway has: %w", err)}
	}
	return nil
}
