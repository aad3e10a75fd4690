package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"time"

	"entree/internal/config"
	"entree/internal/domain"
	"entree/internal/ldapconn"
	"entree/internal/registry"
	"entree/internal/registry/directory"
)

// openSource returns the table of a directory, and sets the mapping's columns to
// its attributes.
func openSource(ctx context.Context, s config.Source, m *registry.Mapping) (registry.Table, error) {
	m.Columns = maps.Clone(s.Columns)
	if s.Profile != "" {
		m.Profile = s.Profile
	}
	return directory.Open(ctx, directory.Source{
		Server: ldapconn.Server{URL: s.URL, StartTLS: s.StartTLS, CA: s.CA, Roots: s.Roots, BindDN: s.BindDN, Password: s.Password, Timeout: s.Timeout},
		Base:   s.Base, Filter: s.Filter, PageSize: s.PageSize, Columns: s.Columns,
	})
}

// readSources imports each configured source when it is due. Of several instances
// one does it.
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
			if due || err != nil {
				logOnce(ctx, a.log, &a.failing, "reading the source "+s.Name, err)
				a.sourceState(s.Name, err)
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// loggedRefusals is how many refused entries of one run are logged one by one.
const loggedRefusals = 20

// readSource imports one source. The first refused entries are logged with
// their DNs, and every finding.
func (a *App) readSource(ctx context.Context, s config.Source) (err error) {
	m := a.importMapping()
	t, err := openSource(ctx, s, &m)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, t.Close()) }()
	o := &domain.ImportOrder{Import: domain.Import{Source: s.Name, File: s.URL}, MaxGone: float64(a.config.Import.MaxGone) / 100}
	refused := 0
	counts, err := registry.Import(ctx, a.store, t, m, o, registry.Observer{
		Refused: func(r registry.Refusal) error {
			if refused++; refused <= loggedRefusals {
				a.log.Warn("an entry of a source was refused", "source", s.Name, "dn", r.Where, "entry", r.Line, "attribute", r.Column, "reason", r.Reason)
			}
			return nil
		},
		Report: func(r *registry.Report) error {
			for _, f := range r.Findings {
				a.log.Warn("reading a source", "source", s.Name, "kind", f.Kind, "finding", f.Message)
			}
			return checkStrict(s.Strict || a.config.Import.Strict, r)
		},
	})
	if more := refused - loggedRefusals; more > 0 {
		a.log.Warn("more entries of a source were refused", "source", s.Name, "entries", more)
	}
	if err != nil {
		return fmt.Errorf("nothing was imported: %w", err)
	}
	a.log.Info("a source was read", "source", s.Name, "new", counts.New, "changed", counts.Changed, "unchanged", counts.Unchanged, "gone", counts.Gone, "refused", counts.Refused)
	return nil
}

// checkStrict returns an error if an import must have no findings and has one.
func checkStrict(strict bool, r *registry.Report) error {
	findings := slices.DeleteFunc(slices.Clone(r.Findings), registry.Finding.IsUsual)
	if !strict || len(findings) == 0 {
		return nil
	}
	return &registry.StrictError{Findings: findings}
}

// importMapping returns mappingOf with the realm's rules.
func (a *App) importMapping() registry.Mapping {
	m := mappingOf(a.config)
	m.Rules = a.rules.Person
	return m
}

// mappingOf returns what the configuration says of the columns of files and
// of what people need to activate.
func mappingOf(c config.Config) registry.Mapping {
	m := registry.Mapping{Profile: c.Import.Profile, Columns: c.Import.Columns, Ready: c.Import.Ready, Held: c.Import.Held, Aliases: map[string][]string{}, Ignore: c.Import.Ignore, Needs: map[string][]string{}, Domains: ownDomains(c), RefuseOwn: c.Import.OwnAddresses == "refuse"}
	for _, p := range c.Profiles {
		if domain.Proof(p.Proof) == domain.ProofBirthDate {
			m.Needs[p.Key] = []string{"birth_date"}
		}
		m.Profiles = append(m.Profiles, p.Key)
		if p.NumberCase {
			m.Cases = append(m.Cases, p.Key)
		}
		m.Aliases[p.Key] = append([]string{p.Name.In(domain.French), p.Name.In(domain.English)}, c.Import.Aliases[p.Key]...)
	}
	return m
}

// openFile opens the table of a file for an import; "-" reads stdin. An empty
// encoding is decided by the content. Closing the table closes the file.
func openFile(name string, stdin io.Reader, encoding string) (registry.Table, error) {
	if name == "-" {
		return registry.OpenAs(stdin, encoding)
	}
	f, err := os.Open(name)
	if err != nil {
		return registry.Table{}, err
	}
	t, err := registry.OpenAs(f, encoding)
	if err != nil {
		return registry.Table{}, errors.Join(err, f.Close())
	}
	closeTable := t.Close
	t.Close = func() error { return errors.Join(closeTable(), f.Close()) }
	return t, nil
}
