package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"runtime/debug"
	"runtime/pprof"

	"github.com/spf13/cobra"

	"entree/internal/config"
)

func serveCommand(env environment) *cobra.Command {
	var path, profile string
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
			if err := noDumps(); err != nil {
				return fmt.Errorf("switch core dumps off: %w", err)
			}
			collectLess(env.get)
			a, err := newApp(cmd.Context(), c, newLog(c.Log, cmd.ErrOrStderr()))
			if err != nil {
				return err
			}
			defer a.close()
			if profile != "" {
				stop, err := profileInto(profile)
				if err != nil {
					return err
				}
				defer stop()
			}
			listener, err := net.Listen("tcp", c.Portal.Listen)
			if err != nil {
				return fmt.Errorf("portal.listen: %w", err)
			}
			a.log.Info("the portal answers", "at", listener.Addr().String(), "as", c.Portal.BaseURL, "version", version)
			return a.serve(cmd.Context(), listener)
		},
	}
	cmd.Flags().StringVar(&path, "config", "entree.yaml", "the configuration file")
	cmd.Flags().StringVar(&profile, "profile", "", "write a profile of the processor's time into this file, for go tool pprof")
	return cmd
}

// collectLess lets the heap grow to four times what lives in it before it is
// swept, up to a bound. Each Argon2 hash takes 7 MiB and leaves them behind:
// with Go's own setting every third password would have the whole heap swept.
// Whoever sets GOGC or GOMEMLIMIT decides for himself.
func collectLess(getenv func(string) string) {
	if getenv("GOGC") == "" && getenv("GOMEMLIMIT") == "" {
		debug.SetGCPercent(300)
		debug.SetMemoryLimit(80 << 20)
	}
}

// profileInto profiles until it is stopped.
func profileInto(file string) (stop func(), err error) {
	f, err := os.Create(file)
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return func() {
		pprof.StopCPUProfile()
		_ = f.Close() // what is missing from a profile is seen by its reader
	}, nil
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
