package main

import "github.com/spf13/cobra"

// benchCommand gathers what measures the program.
func benchCommand(env environment) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "Measure what things cost, on this machine",
		Args:  cobra.NoArgs,
	}
	cmd.AddCommand(benchRushCommand(env), benchPortalCommand(env), benchGrowthCommand(env), benchSoakCommand(env), benchImportCommand())
	return cmd
}
