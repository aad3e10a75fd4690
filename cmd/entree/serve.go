package main

import (
	"fmt"
	"io"
	"log/slog"
	"net"

	"github.com/spf13/cobra"

	"entree/config"
)

func serveCommand(env environment) *cobra.Command {
	var path string
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Serve the portal",
		Long: `Serve the portal with the configuration of a file and of the environment.
deploy/entree.sample.yaml explains every key. SIGTERM or Ctrl-C lets what is
under way come to its end, for 15 seconds at most.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := config.Load(path, env.environ)
			if err != nil {
				return err
			}
			a, err := newApp(cmd.Context(), c, newLog(c.Log, cmd.ErrOrStderr()))
			if err != nil {
				return err
			}
			defer a.close()
			listener, err := net.Listen("tcp", c.Portal.Listen)
			if err != nil {
				return fmt.Errorf("portal.listen: %w", err)
			}
			a.log.Info("the portal answers", "at", listener.Addr().String(), "as", c.Portal.BaseURL, "version", version)
			return a.serve(cmd.Context(), listener)
		},
	}
	cmd.Flags().StringVar(&path, "config", "entree.yaml", "the configuration file")
	return cmd
}

// newLog writes structured lines with times in UTC (S39).
func newLog(c config.Log, to io.Writer) *slog.Logger {
	var level slog.Level
	_ = level.UnmarshalText([]byte(c.Level)) // checked when the configuration was read
	options := &slog.HandlerOptions{Level: level, ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey && len(groups) == 0 {
			a.Value = slog.TimeValue(a.Value.Time().UTC())
		}
		return a
	}}
	if c.Format == "text" {
		return slog.New(slog.NewTextHandler(to, options))
	}
	return slog.New(slog.NewJSONHandler(to, options))
}
