package domain

import (
	"slices"
	"testing"
)

func TestTheRemovalOfAFactor(t *testing.T) {
	with := func(password bool, kinds ...FactorKind) HeldFactors {
		h := HeldFactors{HasPassword: password}
		for i, kind := range kinds {
			h.List = append(h.List, Factor{ID: string(rune('a' + i)), Kind: kind})
		}
		return h
	}
	for _, tt := range []struct {
		held     HeldFactors
		id       string
		required bool
		gone     string
		refused  Reason
	}{
		{with(true), "a", true, "", ""},
		{with(true, FactorPasskey), "a", false, "a", ""},
		{with(false, FactorPasskey), "a", false, "", ReasonFactorOnly},
		{with(false, FactorPasskey, FactorTOTP), "a", false, "", ReasonFactorOnly},
		{with(false, FactorPasskey, FactorPasskey), "a", false, "a", ""},
		{with(false, FactorPasskey, FactorTOTP), "b", false, "b", ""},
		{with(true, FactorTOTP), "a", false, "a", ""},
		{with(true, FactorTOTP), "a", true, "", ReasonFactorRequired},
		{with(true, FactorPasskey), "a", true, "", ReasonFactorRequired},
		{with(true, FactorTOTP, FactorKey), "a", true, "a", ""},
		{with(true, FactorTOTP, FactorPasskey), "a", true, "a", ""},
		{with(true, FactorTOTP, FactorCodes), "a", true, "", ReasonFactorRequired},
		{with(true, FactorTOTP, FactorCodes), "b", true, "b", ""},
		{with(true, FactorTOTP, FactorCodes), "a", false, "ab", ""},
		{with(true, FactorCodes, FactorKey), "b", false, "ba", ""},
		{with(true, FactorTOTP, FactorKey, FactorCodes), "a", false, "a", ""},
		{with(true, FactorTOTP, FactorOther, FactorCodes), "a", true, "a", ""},
		{with(true, FactorTOTP, FactorCodes, FactorPasskey), "a", true, "ab", ""},
	} {
		gone, refused := tt.held.Removal(tt.id, tt.required)
		var ids []byte
		for _, f := range gone {
			ids = append(ids, f.ID...)
		}
		if string(ids) != tt.gone || refused != tt.refused {
			t.Errorf("%+v without %s, required %t: %q, %q; want %q, %q", tt.held, tt.id, tt.required, ids, refused, tt.gone, tt.refused)
		}
	}
}

// After any removal a person can still log in, recovery codes are not alone, and where
// factors are required one is left.
func TestRemovalsNeverLeaveAnAccountWithoutAWayIn(t *testing.T) {
	kinds := FactorKinds()
	for n := range 6 * 6 * 6 * 4 {
		held := HeldFactors{HasPassword: n%2 == 0}
		required := n/2%2 == 0
		for i, rest := 0, n/4; i < 3; i, rest = i+1, rest/6 {
			if at := rest % 6; at < len(kinds) {
				held.List = append(held.List, Factor{ID: string(rune('a' + i)), Kind: kinds[at]})
			}
		}
		isStrong := func(h HeldFactors) bool {
			return slices.ContainsFunc(h.Kinds(), FactorKind.Protects)
		}
		logsIn := func(h HeldFactors) bool {
			return h.HasPassword || slices.ContainsFunc(h.List, func(f Factor) bool { return f.Kind == FactorPasskey })
		}
		for _, f := range held.List {
			gone, refused := held.Removal(f.ID, required)
			if refused != "" {
				continue
			}
			left := HeldFactors{HasPassword: held.HasPassword, List: slices.DeleteFunc(slices.Clone(held.List), func(o Factor) bool { return slices.Contains(gone, o) })}
			codes := slices.ContainsFunc(left.List, func(f Factor) bool { return f.Kind == FactorCodes })
			switch {
			case logsIn(held) && !logsIn(left):
				t.Fatalf("%+v without %s: no way to log in", held, f.ID)
			case required && isStrong(held) && !isStrong(left):
				t.Fatalf("%+v without %s: no factor", held, f.ID)
			case held.HasSecond() && codes && !left.HasSecond():
				t.Fatalf("%+v without %s: recovery codes alone", held, f.ID)
			}
		}
	}
}
