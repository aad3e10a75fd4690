package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const bounceMail = `From: MAILER-DAEMON@mx.example.org
To: rebonds@example.org
Subject: failure notice

I wasn't able to deliver your message to the following addresses.

<jp.martin@example.net>:
Remote host said: 550 WORDS

--- Below this line is a copy of the message.

From: <ne-pas-repondre@example.org>
To: <jp.martin@example.net>
Message-ID: <0123abcd.ffee@example.org>
`

// explainFiles runs the command and returns its lines of JSON.
func explainFiles(t *testing.T, args ...string) (lines []map[string]any) {
	t.Helper()
	var out, errs bytes.Buffer
	if err := run(t.Context(), append([]string{"bounces", "explain", "--json"}, args...), nil, &out, &errs); err != nil {
		t.Fatal(err, errs.String())
	}
	for line := range strings.Lines(out.String()) {
		var one map[string]any
		if err := json.Unmarshal([]byte(line), &one); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		lines = append(lines, one)
	}
	return lines
}

func TestBouncesExplainPrintsOneLinePerMail(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	unknown := strings.ReplaceAll(bounceMail, "WORDS", "5.1.1 no such user")
	spam := strings.ReplaceAll(bounceMail, "WORDS", "5.7.1 it looks like spam")
	const from = "From MAILER-DAEMON Sun Nov 29 09:00:00 2026\n"
	lines := explainFiles(t, write("a.eml", unknown), write("b.eml", spam), write("c.eml", "Subject: Bonjour\n\nBonjour.\n"), write("box", from+unknown+"\n"+from+spam+"\n"))
	if len(lines) != 5 {
		t.Fatalf("%d lines", len(lines))
	}
	for i, want := range []string{"wrong", "returned", "none", "wrong", "returned"} {
		if lines[i]["outcome"] != want {
			t.Errorf("line %d: %v, want %s", i, lines[i], want)
		}
		for _, key := range []string{"file", "recipients", "status", "diagnostic", "message_id", "outcome"} {
			if _, has := lines[i][key]; !has {
				t.Errorf("line %d has no %s", i, key)
			}
		}
	}
	first := lines[0]
	if first["status"] != "5.1.1" || first["message_id"] != "0123abcd.ffee@example.org" || len(first["recipients"].([]any)) != 1 || !strings.Contains(first["diagnostic"].(string), "no such user") {
		t.Errorf("%v", first)
	}
	// For people, without JSON.
	var out, errs bytes.Buffer
	if err := run(t.Context(), []string{"bounces", "explain", filepath.Join(dir, "a.eml")}, nil, &out, &errs); err != nil || !strings.Contains(out.String(), "by rule no-user") {
		t.Errorf("%q, %v", out.String(), err)
	}
	if err := run(t.Context(), []string{"bounces", "explain", filepath.Join(dir, "missing")}, nil, &out, &errs); err == nil {
		t.Error("a missing file is no error")
	}
}
