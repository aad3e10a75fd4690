package main

import (
	"github.com/spf13/cobra"

	"entree/internal/devenv/outside"
)

// product is the measured program.
type product struct{ path string }

// in returns the path of the program, which it builds into dir if no path was
// given.
func (p *product) in(dir string) (string, error) {
	if p.path != "" {
		return p.path, nil
	}
	return outside.Build(dir)
}

// benchCommand holds the commands that measure the product.
func benchCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "Measure what things cost, on this machine",
		Args:  cobra.NoArgs,
	}
	var p product
	cmd.PersistentFlags().StringVar(&p.path, "entree", "", "the program to measure (default: cmd/entree, built for this run)")
	cmd.AddCommand(benchRushCommand(&p), benchPortalCommand(&p), benchGrowthCommand(&p), benchSoakCommand(&p), benchImportCommand(&p), benchMatchingCommand(&p), benchRecoveryCommand(&p), benchPasskeyCommand(&p), benchMondayCommand(&p), benchCompilerCommand())
	return cmd
}
