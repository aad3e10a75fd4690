package main

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"time"

	"github.com/spf13/cobra"

	"entree/internal/devenv/hostile"
	"entree/internal/devenv/outside"
)

func hostileCommand() *cobra.Command {
	var o hostile.Options
	var kinds []string
	var nginx bool
	c := &cobra.Command{
		Use:   "hostile",
		Short: "Hold a thousand connections to a portal of your own, and ask for its pages meanwhile",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			for _, kind := range kinds {
				o.Kinds = append(o.Kinds, hostile.Kind(kind))
			}
			if nginx {
				stop, err := behindNginx(cmd.Context(), &o)
				if err != nil {
					return err
				}
				defer stop()
			}
			return hostile.Run(cmd.Context(), o, cmd.OutOrStdout())
		},
	}
	c.Flags().StringVar(&o.URL, "url", "http://127.0.0.1:8080", "address of the portal")
	c.Flags().StringSliceVar(&kinds, "kind", nil, "kinds of connections (default: all)")
	c.Flags().IntVar(&o.Connections, "connections", 1000, "connections of each kind")
	c.Flags().DurationVar(&o.For, "for", 10*time.Second, "time of each kind")
	c.Flags().BoolVar(&o.Login, "login", false, "logins too: for a portal whose single sign-on hangs")
	c.Flags().BoolVar(&nginx, "nginx", false, "start nginx with the sample of deploy/nginx and TLS before the portal, and attack that")
	return c
}

// behindNginx starts nginx before the portal of o and points o to it.
func behindNginx(ctx context.Context, o *hostile.Options) (stop func(), err error) {
	u, err := url.Parse(o.URL)
	if err != nil || u.Scheme != "http" || u.Port() == "" {
		return nil, fmt.Errorf("%q: nginx needs a portal at http://host:port", o.URL)
	}
	listen, err := outside.FreeAddress()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "entree-nginx-")
	if err != nil {
		return nil, err
	}
	proxy := &outside.Proxy{Dir: dir, Listen: listen, Instances: []string{u.Host, u.Host}, TLS: true}
	stop = func() {
		proxy.Stop()
		_ = os.RemoveAll(dir)
	}
	if err := proxy.Start(ctx); err != nil {
		if proxy.Child == nil {
			_ = os.RemoveAll(dir)
			return nil, err
		}
		stop()
		return nil, err
	}
	o.URL, o.Host = proxy.URL(), u.Host
	o.Roots, err = proxy.Roots()
	return stop, err
}
