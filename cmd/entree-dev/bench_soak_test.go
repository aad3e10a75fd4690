package main

import (
	"io"
	"slices"
	"strings"
	"testing"
)

// A figure that grows all the time is found; one that swings or grows once is not.
func TestOverload_ALeakIsFound(t *testing.T) {
	steady := sample{100 << 20, 60, 30}
	for name, tt := range map[string]struct {
		at   func(i int) sample
		says string
	}{
		"steady": {func(int) sample { return steady }, ""},
		"swinging": {func(i int) sample {
			return sample{steady[0] + float64(i%7)*(10<<20), steady[1] + float64(i%9), steady[2]}
		}, ""},
		"filled once":              {func(i int) sample { return sample{min(steady[0], float64(i)*(4<<20)), 60, 30} }, ""},
		"memory that leaks":        {func(i int) sample { return sample{steady[0] + float64(i)*(100<<10), 60, 30} }, "memory"},
		"goroutines that stay":     {func(i int) sample { return sample{steady[0], 60 + float64(i)/10, 30} }, "goroutines"},
		"descriptors that stay":    {func(i int) sample { return sample{steady[0], 60, 30 + float64(i)/10} }, "descriptors"},
		"figures that are missing": {func(int) sample { return sample{steady[0], 0, 30} }, "goroutines"},
	} {
		var all []sample
		for i := range 1000 {
			all = append(all, tt.at(i))
		}
		rises := judgeFlat(all, io.Discard)
		if (tt.says == "") != (len(rises) == 0) || tt.says != "" && !slices.ContainsFunc(rises, func(r string) bool { return strings.HasPrefix(r, tt.says) }) {
			t.Errorf("%s: %v, want %q", name, rises, tt.says)
		}
	}
}
