package introduce

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"
)

// snapshot is everything that a realm holds of its users, groups, roles and clients,
// by kind and key, as Keycloak shows it.
type snapshot map[string]map[string]any

// list reads a list and returns it by one field.
func (w *world) list(path, key string) map[string]any {
	w.t.Helper()
	var all []map[string]any
	w.call(http.MethodGet, path, nil, &all)
	out := map[string]any{}
	for _, one := range all {
		out[fmt.Sprint(one[key])] = sorted(one)
	}
	return out
}

// sorted sorts lists of texts inside a value: Keycloak shows sets as lists, in any
// order.
func sorted(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k, inner := range v {
			v[k] = sorted(inner)
		}
	case []any:
		for i, inner := range v {
			v[i] = sorted(inner)
		}
		slices.SortStableFunc(v, func(a, b any) int {
			x, isText := a.(string)
			y, areTexts := b.(string)
			if !isText || !areTexts {
				return 0
			}
			return strings.Compare(x, y)
		})
	}
	return v
}

// names returns the values of one field of a list, as a set.
func (w *world) names(path, key string) map[string]bool {
	w.t.Helper()
	out := map[string]bool{}
	for name := range w.list(path, key) {
		out[name] = true
	}
	return out
}

// sampled reports whether the credentials and the consents of a user are read: those
// of each user with a history of its own, with a second factor or with a consent, and of one in eight of the
// others. Reading all of them would take Keycloak a minute.
func sampled(u map[string]any) bool {
	kind, number, _ := strings.Cut(fmt.Sprint(u["username"]), "-")
	n, err := strconv.Atoi(number)
	return kind != "old" && kind != "former" && kind != "uid" || u["totp"] == true || err == nil && (n%8 == 0 || n%50 == 1)
}

// look reads the realm. Members of groups and roles are read by group and by role;
// credentials and consents by user.
func (w *world) look() snapshot {
	w.t.Helper()
	s := snapshot{"users": {}, "members": {}, "holders": {}, "client roles": {}, "credentials": {}, "consents": {}}
	const size = 500
	for first := 0; ; first += size {
		some := w.list(w.realm.At("users")+fmt.Sprintf("?briefRepresentation=false&first=%d&max=%d", first, size), "id")
		maps.Copy(s["users"], some)
		if len(some) < size {
			break
		}
	}
	w.step("  users")
	s["groups"] = w.list(w.realm.At("groups")+"?briefRepresentation=false&search=&max=1000", "id")
	for id, group := range s["groups"] {
		s["members"][id] = w.names(w.realm.At("groups", id, "members")+"?briefRepresentation=true&max=10000", "id")
		subs := w.list(w.realm.At("groups", id, "children")+"?briefRepresentation=false&max=1000", "id")
		group.(map[string]any)["children"] = subs
		for sub := range subs {
			s["members"][sub] = w.names(w.realm.At("groups", sub, "members")+"?briefRepresentation=true&max=10000", "id")
		}
	}
	w.step("  groups")
	s["roles"] = w.list(w.realm.At("roles")+"?briefRepresentation=false&max=1000", "name")
	for role := range s["roles"] {
		s["holders"][role] = w.names(w.realm.At("roles", role, "users")+"?briefRepresentation=true&max=10000", "id")
	}
	w.step("  roles")
	s["clients"] = w.list(w.realm.At("clients"), "clientId")
	for name, client := range s["clients"] {
		id := client.(map[string]any)["id"].(string)
		roles := w.list(w.realm.At("clients", id, "roles")+"?briefRepresentation=false", "name")
		s["client roles"][name] = roles
		for role := range roles {
			s["holders"][name+"."+role] = w.names(w.realm.At("clients", id, "roles", role, "users")+"?max=10000", "id")
		}
	}
	s["scopes"] = w.list(w.realm.At("client-scopes"), "name")
	s["default scopes"] = map[string]any{"default": w.names(w.realm.At("default-default-client-scopes"), "name"), "optional": w.names(w.realm.At("default-optional-client-scopes"), "name")}

	w.step("  clients")
	var lock sync.Mutex
	var group errgroup.Group
	group.SetLimit(4)
	for id, u := range s["users"] {
		if !sampled(u.(map[string]any)) {
			continue
		}
		group.Go(func() error {
			for kind, path := range map[string]string{"credentials": "credentials", "consents": "consents"} {
				var v any
				if _, err := w.realm.Call(w.t.Context(), http.MethodGet, w.realm.At("users", id, path), nil, &v); err != nil {
					return err
				}
				lock.Lock()
				s[kind][id] = sorted(v)
				lock.Unlock()
			}
			return nil
		})
	}
	w.must(group.Wait())
	return s
}

// within returns the part of a later snapshot that was there before.
func (s snapshot) within(before snapshot) snapshot {
	out := snapshot{}
	for kind, all := range s {
		out[kind] = map[string]any{}
		for key, v := range all {
			if _, was := before[kind][key]; !was {
				continue
			}
			if ids, is := v.(map[string]bool); is && (kind == "members" || kind == "holders") {
				maps.DeleteFunc(ids, func(id string, _ bool) bool { return before["users"][id] == nil })
			}
			out[kind][key] = v
		}
	}
	return out
}
