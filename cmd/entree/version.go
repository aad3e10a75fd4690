package main

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"entree/internal/buildinfo"
	"entree/internal/store"
)

func versionCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Show the version, commit, schema and Go version of this program",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			info := buildinfo.Read()
			schema, err := store.SchemaVersion()
			if err != nil {
				return err
			}
			if asJSON {
				return json.NewEncoder(cmd.OutOrStdout()).Encode(map[string]any{
					"version": info.Version, "commit": info.Commit, "time": info.Time, "modified": info.Modified, "go": info.Go, "platform": info.Platform, "schema": schema,
				})
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s, schema version %d\n", info, schema)
			return err
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "as one line of JSON")
	return cmd
}
