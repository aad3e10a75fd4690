package main

import (
	"time"

	"github.com/spf13/cobra"

	"entree/internal/devenv/hostile"
)

func hostileCommand() *cobra.Command {
	var o hostile.Options
	var kinds []string
	c := &cobra.Command{
		Use:   "hostile",
		Short: "Hold a thousand connections to a portal of your own, and ask for its pages meanwhile",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			for _, kind := range kinds {
				o.Kinds = append(o.Kinds, hostile.Kind(kind))
			}
			return hostile.Run(cmd.Context(), o, cmd.OutOrStdout())
		},
	}
	c.Flags().StringVar(&o.URL, "url", "http://127.0.0.1:8080", "address of the portal, over plain HTTP")
	c.Flags().StringSliceVar(&kinds, "kind", nil, "kinds of connections (default: all)")
	c.Flags().IntVar(&o.Connections, "connections", 1000, "connections of each kind")
	c.Flags().DurationVar(&o.For, "for", 10*time.Second, "time of each kind")
	c.Flags().BoolVar(&o.Login, "login", false, "logins too: for a portal whose single sign-on hangs")
	return c
}
