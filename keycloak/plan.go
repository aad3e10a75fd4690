package keycloak

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"entree/internal/secret"
)

// Change is one change of a realm, with the reason. Printed, it is a diff:
//
//	~ client entree-ent
//	    redirectUris: [https://old.example/back] → [https://new.example/back]
//	  because people log in to the ENT through it
type Change struct {
	Part   string // one of Parts
	New    bool   // true: will be created, false: exists and differs
	What   string
	Why    string
	Fields []Field
	apply  func(context.Context) error
}

// Field is one value that differs: the present and the wanted one. A secret is
// never shown.
type Field struct{ Name, Is, Wanted string }

func (c Change) String() string {
	var b strings.Builder
	sign := "~"
	if c.New {
		sign = "+"
	}
	fmt.Fprintf(&b, "%s %s\n", sign, c.What)
	for _, f := range c.Fields {
		if c.New || f.Is == "" {
			fmt.Fprintf(&b, "    %s: %s\n", f.Name, f.Wanted)
		} else {
			fmt.Fprintf(&b, "    %s: %s → %s\n", f.Name, f.Is, f.Wanted)
		}
	}
	fmt.Fprintf(&b, "  because %s\n", c.Why)
	if means := c.Means(); means != "" {
		fmt.Fprintf(&b, "  users who exist: %s\n", means)
	}
	return b.String()
}

// Foreign is an object that has a name which the portal needs, and that belongs
// to another service. The portal never changes it.
type Foreign struct{ What, Why, Do string }

func (f *Foreign) Error() string { return f.What + " " + f.Why + ": " + f.Do }

// Plan compares the realm with w and returns the changes that are needed, none
// if the realm is as wanted. It changes nothing and ignores settings that the
// portal does not need. For each object that does not belong to the portal, the
// error contains a [Foreign]; Plan still returns the other changes.
func (c *Client) Plan(ctx context.Context, w Wanted) ([]Change, error) {
	if err := w.checkParts(); err != nil {
		return nil, err
	}
	var changes []Change
	var foreign []error
	for _, part := range c.parts() {
		if !w.includes(part.name) {
			continue
		}
		some, err := part.plan(ctx, w)
		for i := range some {
			some[i].Part = part.name
		}
		var theirs *Foreign
		switch {
		case errors.As(err, &theirs):
			foreign = append(foreign, theirs)
		case err != nil:
			return nil, err
		}
		changes = append(changes, some...)
	}
	return changes, errors.Join(foreign...)
}

// Apply makes the changes of Plan in their order, and calls tell for each. It
// makes none if Plan returns an error. It plans again afterwards, at most three
// times in all: some differences, such as a client scope of a new realm, appear
// only after the first changes.
func (c *Client) Apply(ctx context.Context, w Wanted, tell func(Change)) error {
	const rounds = 3
	for range rounds {
		changes, err := c.Plan(ctx, w)
		if err != nil || len(changes) == 0 {
			return err
		}
		for _, change := range changes {
			if err := change.apply(ctx); err != nil {
				return fmt.Errorf("%s: %w", change.What, err)
			}
			if tell != nil {
				tell(change)
			}
		}
	}
	return fmt.Errorf("keycloak: the realm still differs after %d rounds", rounds)
}

// object is a resource of a realm with the values that the portal requires. Its
// other values are unchanged.
type object struct {
	what, why string
	want      map[string]any                                // maps are compared by key, lists as sets
	fresh     map[string]any                                // further values of a new object
	find      func(context.Context) (map[string]any, error) // nil map: the object does not exist
	ours      func(map[string]any) error                    // nil: no other service could have created it
	create    func(context.Context, map[string]any) error
	update    func(context.Context, map[string]any) error // receives the object that was found, with the wanted values
}

// hold returns the change that a thing needs, if any. Its apply compares again,
// because an earlier change may have created the thing.
func (t object) hold(ctx context.Context) ([]Change, error) {
	_, isNew, fields, err := t.compare(ctx)
	if err != nil || !isNew && len(fields) == 0 {
		return nil, err
	}
	return []Change{{New: isNew, What: t.what, Why: t.why, Fields: fields, apply: func(ctx context.Context) error {
		have, isNew, _, err := t.compare(ctx)
		if err != nil {
			return err
		}
		if isNew {
			return t.create(ctx, have)
		}
		return t.update(ctx, have)
	}}}, nil
}

func (t object) compare(ctx context.Context) (merged map[string]any, isNew bool, fields []Field, err error) {
	have, err := t.find(ctx)
	if err != nil {
		return nil, false, nil, err
	}
	if have == nil {
		whole := map[string]any{}
		return whole, true, append(put(whole, t.want, ""), put(whole, t.fresh, "")...), nil
	}
	if t.ours != nil {
		if err := t.ours(have); err != nil {
			return nil, false, nil, err
		}
	}
	return have, false, merge(have, t.want, ""), nil
}

// put copies the wanted values into a new object. A value that is left out
// would get a default of Keycloak.
func put(into, want map[string]any, under string) []Field {
	return merged(into, want, under, func(_, _ any) bool { return false })
}

// merge copies the wanted values into have and returns the fields that
// differed.
func merge(have, want map[string]any, under string) []Field { return merged(have, want, under, same) }

func merged(have, want map[string]any, under string, same func(have, want any) bool) []Field {
	var fields []Field
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if inner, ok := want[name].(map[string]any); ok {
			h, _ := have[name].(map[string]any)
			if h == nil {
				h = map[string]any{}
			}
			have[name] = h
			fields = append(fields, merged(h, inner, under+name+".", same)...)
			continue
		}
		if same(have[name], want[name]) {
			continue
		}
		if s, ok := want[name].(secret.Text); ok {
			fields = append(fields, Field{under + name, "another", "the configured one"})
			have[name] = s.Reveal()
			continue
		}
		fields = append(fields, Field{under + name, shown(have[name]), shown(want[name])})
		have[name] = want[name]
	}
	return fields
}

// same reports whether a value of Keycloak equals the wanted one. Lists are
// equal if they have the same members; a missing value equals an empty one.
func same(have, want any) bool {
	switch w := want.(type) {
	case secret.Text:
		return have == w.Reveal()
	case []string:
		h, _ := have.([]any)
		return len(h) == len(w) && !slices.ContainsFunc(w, func(v string) bool { return !slices.Contains(h, any(v)) })
	default:
		return have == nil && want == "" || shown(have) == shown(want)
	}
}

// shown returns a value as a diff shows it.
func shown(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case []any:
		list := make([]string, len(v))
		for i, item := range v {
			list[i] = fmt.Sprint(item)
		}
		return shown(list)
	case []string:
		return "[" + strings.Join(slices.Sorted(slices.Values(v)), ", ") + "]" // a set
	case float64: // all numbers in JSON
		return strconv.FormatFloat(v, 'f', -1, 64)
	case string:
		if v == "" {
			return `""`
		}
	}
	return fmt.Sprint(v)
}

// get reads an object of the realm. It leaves into unchanged if the object or
// the realm does not exist.
func (c *Client) get(ctx context.Context, path string, into any) error {
	_, err := c.do(ctx, http.MethodGet, path, nil, into)
	if status(err) == http.StatusNotFound {
		return nil
	}
	return err
}

// send returns a function that writes an object to the realm.
func (c *Client) send(method string, path ...string) func(context.Context, map[string]any) error {
	return func(ctx context.Context, body map[string]any) error {
		_, err := c.do(ctx, method, c.path(path...), body, nil)
		return err
	}
}
