package app

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"entree/internal/config"
	"entree/internal/domain"
	"entree/internal/registry"
	"entree/internal/registry/directory"
)

// OpenSource gives the table of a directory, and tells the mapping which
// attribute holds what.
func OpenSource(ctx context.Context, s config.Source, m *registry.Mapping) (registry.Table, error) {
	m.Columns = maps.Clone(s.Columns)
	if s.Profile != "" {
		m.Profile = s.Profile
	}
	return directory.Open(ctx, directory.Source{
		URL: s.URL, StartTLS: s.StartTLS, CA: s.CA, BindDN: s.BindDN, Password: s.Password,
		Base: s.Base, Filter: s.Filter, PageSize: s.PageSize, Timeout: s.Timeout, Columns: s.Columns,
	})
}

// readSources imports the configured sources whenever they are due, on one of
// the instances.
func (a *App) readSources(ctx context.Context) error {
	tick := time.NewTicker(30 * time.Second)
	defer tick.Stop()
	for {
		for _, s := range a.config.Sources {
			if s.Every == 0 {
				continue
			}
			due, err := a.store.Due(ctx, "source "+s.Name, time.Now(), s.Every)
			if err == nil && due {
				err = a.readSource(ctx, s)
			}
			if err != nil && ctx.Err() == nil {
				a.log.Error("read a source", "source", s.Name, "error", err)
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// readSource imports one source. Refused entries are counted and named in the
// log by where they stand.
func (a *App) readSource(ctx context.Context, s config.Source) (err error) {
	m := ImportMapping(a.config)
	t, err := OpenSource(ctx, s, &m)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, t.Close()) }()
	o := &domain.ImportOrder{Import: domain.Import{Source: s.Name, File: s.URL}, MaxGone: float64(a.config.Import.MaxGone) / 100}
	counts, err := registry.Import(ctx, a.store, t, m, o, func(r registry.Refusal) error {
		a.log.Warn("a source's entry was refused", "source", s.Name, "entry", r.Line, "attribute", r.Column, "reason", r.Reason)
		return nil
	})
	if err != nil {
		return fmt.Errorf("nothing was imported: %w", err)
	}
	a.log.Info("a source was read", "source", s.Name, "new", counts.New, "changed", counts.Changed, "unchanged", counts.Unchanged, "gone", counts.Gone, "refused", counts.Refused)
	return nil
}

func ImportMapping(c config.Config) registry.Mapping {
	m := registry.Mapping{Profile: c.Import.Profile, Columns: c.Import.Columns, Ready: c.Import.Ready, Held: c.Import.Held, Aliases: map[string][]string{}}
	for _, p := range c.Profiles {
		m.Profiles = append(m.Profiles, p.Key)
		m.Aliases[p.Key] = append([]string{p.Name.In(domain.French), p.Name.In(domain.English)}, c.Import.Aliases[p.Key]...)
	}
	return m
}
