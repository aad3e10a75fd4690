package main

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"runtime/pprof"

	"github.com/spf13/cobra"

	"entree/internal/app"
	"entree/internal/buildinfo"
	"entree/internal/config"
	"entree/internal/loopback"
)

func serveCommand(env environment) *cobra.Command {
	var path, profile string
	var compression int
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Serve the portal",
		Long: `Serve the portal with the configuration of a file and of the environment.
deploy/entree.sample.yaml explains every key. On SIGTERM or Ctrl-C the portal
ends after the requests and jobs in progress, or after 15 seconds.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := config.Load(path, env.environ)
			if err != nil {
				return err
			}
			// A reverse proxy on the same machine may still serve others, so the base URL
			// counts and not only where the portal listens.
			if base, err := url.Parse(c.Portal.BaseURL); compression != 0 && (err != nil || !loopback.IsHost(base.Hostname())) {
				return errors.New("--compression is for a simulation: portal.base_url must be on this machine's loopback")
			}
			c.Compression = compression
			if err := app.NoCoreDumps(); err != nil {
				return fmt.Errorf("switch core dumps off: %w", err)
			}
			app.LimitHeap(env.get)
			log := app.NewLog(c.Log, cmd.ErrOrStderr())
			a, err := app.New(cmd.Context(), c, log)
			if err != nil {
				return err
			}
			defer a.Close()
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
			log.Info("the portal answers", "at", listener.Addr().String(), "as", c.Portal.BaseURL, "version", buildinfo.Read().Version, "commit", buildinfo.Read().Commit)
			return a.Serve(cmd.Context(), listener)
		},
	}
	cmd.Flags().StringVar(&path, "config", "entree.yaml", "the configuration file")
	cmd.Flags().StringVar(&profile, "profile", "", "write a profile of the processor's time into this file, for go tool pprof")
	cmd.Flags().IntVar(&compression, "compression", 0, "divide the windows of rate limits, the life of a code and the wait for the next one, for a simulation")
	_ = cmd.Flags().MarkHidden("compression") // fails for an unknown flag only
	return cmd
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
