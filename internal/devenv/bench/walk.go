package bench

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"time"
)

// Student is a student who may activate.
type Student struct {
	Email    string
	Profile  string
	Login    string // read from the last page
	Password string // the accepted suggestion
}

// Post returns the newest mail to an address as soon as there are n of them.
type Post func(ctx context.Context, address string, n int) (text string, err error)

// Activation runs the complete activation through a portal.
type Activation struct {
	Portal string // URL without a trailing slash
	Post   Post
	// Pause, if set, is called before the charter is accepted. It keeps many
	// journeys open at once.
	Pause func(ctx context.Context) error
}

// The steps in their order, as the table names them.
var steps = []string{"welcome", "request", "code", "mail", "charter", "guide", "password", "success"}

var sixDigits = regexp.MustCompile(`\b[0-9]{6}\b`)

// Walk runs one student's complete activation. Each step is timed as a visitor
// experiences it: from the request to the complete page, including redirects,
// style sheets and scripts.
func (a Activation) Walk(ctx context.Context, s *Student, seen *Journey) error {
	b := newBrowser()
	defer b.close()
	step := func(name string, act func() error) error {
		begun, bytes := time.Now(), b.wire.Load()
		if err := act(); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if err := b.parts(ctx); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		seen.add(name, time.Since(begun), b.wire.Load()-bytes)
		return nil
	}
	to := func(path string) func(error) error {
		return func(err error) error {
			if err == nil && b.at.Path != path {
				err = fmt.Errorf("led to %s instead of %s: %s", b.at.Path, path, b.page.text)
			}
			return err
		}
	}
	var code string
	for _, act := range []struct {
		name string
		do   func() error
	}{
		{"welcome", func() error { return to("/")(b.get(ctx, a.Portal+"/")) }},
		{"request", func() error { return to("/activation")(b.get(ctx, a.Portal+"/activation?profil="+s.Profile)) }},
		{"code", func() error {
			return to("/activation/identification")(b.submit(ctx, "/activation", map[string]string{"adresse": s.Email}))
		}},
		{"mail", func() error {
			text, err := a.Post(ctx, s.Email, 1)
			code = sixDigits.FindString(text)
			if err == nil && code == "" {
				err = errors.New("the mail holds no code")
			}
			return err
		}},
		{"charter", func() error {
			return to("/activation/charte")(b.submit(ctx, "/activation/identification", map[string]string{"code": code}))
		}},
		{"guide", func() error {
			if a.Pause != nil {
				if err := a.Pause(ctx); err != nil {
					return err
				}
			}
			return to("/activation/entre-mdp")(b.submit(ctx, "/activation/charte", map[string]string{"charte": "oui"}))
		}},
		{"password", func() error {
			if len(b.page.copies) == 0 {
				return errors.New("the guide suggests nothing")
			}
			s.Password = b.page.copies[0]
			return to("/activation/mot-de-passe")(b.submit(ctx, "/activation/entre-mdp", nil))
		}},
		{"success", func() error {
			err := b.submit(ctx, "/activation/mot-de-passe", map[string]string{"mot-de-passe": s.Password, "confirmation": s.Password})
			for err == nil && b.page.refresh {
				if err = wait(ctx, 5*time.Second); err == nil { // as the page asks a browser to do
					err = b.get(ctx, b.at.String())
				}
			}
			if err := to("/activation/accueil-succes")(err); err != nil {
				return err
			}
			if len(b.page.mono) < 1 {
				return errors.New("the last page shows no identifier")
			}
			s.Login = b.page.mono[0]
			return nil
		}},
	} {
		if err := step(act.name, act.do); err != nil {
			return err
		}
	}
	seen.Requests = b.asked
	return nil
}

// LogIn logs an activated student in to the ENT through Keycloak's login page,
// which proves that the account works.
func (a Activation) LogIn(ctx context.Context, s Student) error {
	b := newBrowser()
	defer b.close()
	if err := b.get(ctx, a.Portal+"/connexion"); err != nil {
		return err
	}
	err := b.submit(ctx, "/login-actions/authenticate", map[string]string{"username": s.Login, "password": s.Password})
	if err != nil {
		return err
	}
	if !strings.HasPrefix(b.at.String(), a.Portal) || b.at.Path != "/ent" || b.page.status != http.StatusOK {
		return fmt.Errorf("the login of %s led to %s: %s", s.Login, b.at.Path, b.page.text)
	}
	return nil
}

func wait(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
