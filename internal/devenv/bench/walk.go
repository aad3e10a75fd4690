package bench

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"entree/internal/devenv/scripted"
)

// patience is the time in which a response must arrive under full load.
const patience = 90 * time.Second

// Student is a student whom a bench has activated.
type Student struct {
	Login    string // as the page of success shows it
	Password string
}

// Activation runs the complete activation through a portal.
type Activation struct {
	Portal string // URL without a trailing slash
	Box    scripted.Box
	// Pause, if set, is called before the charter is accepted. It keeps many
	// journeys open at once.
	Pause func(ctx context.Context) error
	// Passkey, if set, is the students' device: they choose a passkey.
	Passkey func(options []byte) (answer []byte, err error)
}

// The steps in their order, as the table names them.
var steps = []string{"welcome", "request", "code", "mail", "charter", "guide", "password", "success"}

const codePage = "/activation/identification"

// stepFrom is the step that begins at a page. The page of the code begins two:
// mail while the student waits for the code, charter when the student types it.
var stepFrom = map[string]string{
	"/activation": "code", codePage: "mail", "/activation/verification": "charter", "/activation/charte": "guide", "/activation/entre-mdp": "password", "/activation/cle": "password",
	"/activation/mot-de-passe": "success", "/activation/en-cours": "success", "/activation/accueil-succes": "success",
}

// Walk runs one student's complete activation. Each step is timed as a visitor
// experiences it: from the request to the complete page, including redirects,
// style sheets and scripts. A page that an undisturbed activation does not show
// is an error.
func (a Activation) Walk(ctx context.Context, p scripted.Person, seen *Journey) (Student, error) {
	s := scripted.NewStudent(p, a.Portal, a.Box, nil)
	s.Browser = scripted.NewBrowser(nil, patience) // a browser keeps its connections
	s.Passkey = a.Passkey
	defer s.Close()
	step := func(name string, act func() error) error {
		begun, bytes := time.Now(), s.Bytes()
		err := act()
		if err == nil && s.Status >= http.StatusBadRequest {
			err = fmt.Errorf("refused at %s: %s", s.Where(), s.Errors())
		}
		if err == nil {
			err = s.Parts(ctx)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		seen.add(name, time.Since(begun), s.Bytes()-bytes)
		return nil
	}
	if err := step("welcome", func() error { return s.Get(ctx, a.Portal+"/") }); err != nil {
		return Student{}, err
	}
	if err := step("request", func() error { return s.Get(ctx, "/activation?profil="+p.Profile) }); err != nil {
		return Student{}, err
	}
	for s.Outcome == "" {
		name, known := stepFrom[s.At.Path]
		if !known {
			return Student{}, fmt.Errorf("the activation led to %s", s.Where())
		}
		if s.At.Path == codePage && s.HasCode() {
			name = "charter"
		}
		if name == "guide" && a.Pause != nil {
			if err := a.Pause(ctx); err != nil {
				return Student{}, err
			}
		}
		if err := step(name, func() error { return s.Step(ctx) }); err != nil {
			return Student{}, err
		}
	}
	if s.Outcome != scripted.Success || s.Shown == "" {
		return Student{}, fmt.Errorf("the activation ended with %q at %s, identifier %q", s.Outcome, s.Where(), s.Shown)
	}
	seen.Requests = s.Requests()
	return Student{s.Shown, s.Password}, nil
}

// LogIn logs an activated student in to the ENT through Keycloak's login page,
// which proves that the account works.
func (a Activation) LogIn(ctx context.Context, s Student) error {
	b := scripted.NewBrowser(nil, patience)
	defer b.Close()
	if err := b.Get(ctx, a.Portal+"/connexion"); err != nil {
		return err
	}
	if err := b.Submit(ctx, "/login-actions/authenticate", map[string]string{"username": s.Login, "password": s.Password}); err != nil {
		return err
	}
	if !strings.HasPrefix(b.At.String(), a.Portal) || b.At.Path != "/ent" || b.Status != http.StatusOK {
		return fmt.Errorf("the login of %s led to %s: %s", s.Login, b.Where(), b.Errors())
	}
	return nil
}
