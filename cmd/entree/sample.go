package main

import (
	"github.com/spf13/cobra"

	"entree/deploy"
)

func sampleCommand() *cobra.Command {
	var data string
	cmd := &cobra.Command{
		Use:   "sample [--data DIR] DIR",
		Short: "Write the sample configuration and its charters",
		Long: `Write entree.yaml, in which every key has a comment, and the sample charters into
a folder, for an installation without a package. A file that exists is not
replaced.

--data names the folder of the SQLite database and of uploaded files. By default
they are beside the configuration.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return deploy.WriteSample(args[0], data)
		},
	}
	cmd.Flags().StringVar(&data, "data", "", "folder of the database and of uploaded files")
	return cmd
}
