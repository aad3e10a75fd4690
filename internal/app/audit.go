package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"entree/internal/audit"
	"entree/internal/spreadsheet"
	"entree/internal/store"
)

// ParseNoted parses entries of the audit that were noted elsewhere, each one
// written as SEQ:HASH. It returns the hashes by number.
func ParseNoted(noted []string) (map[int64]string, error) {
	hashes := map[int64]string{}
	for _, n := range noted {
		seq, hash, _ := strings.Cut(n, ":")
		at, err := strconv.ParseInt(seq, 10, 64)
		if err != nil || len(hash) != len(audit.Origin) {
			return nil, fmt.Errorf("--noted %q: want SEQ:HASH, with 64 hexadecimal digits", n)
		}
		hashes[at] = strings.ToLower(hash)
	}
	return hashes, nil
}

// VerifyAudit prints each fault of the audit trail, also if a noted entry is
// missing or has another hash. It returns an error if there is a fault.
func VerifyAudit(ctx context.Context, s *store.Store, noted map[int64]string, out io.Writer) error {
	faults := 0
	found, err := s.VerifyAudit(ctx, noted, func(f audit.Fault) {
		faults++
		fmt.Fprintln(out, f)
	})
	if err != nil {
		return err
	}
	for seq := range noted {
		if seq > found.Seq {
			faults++
			fmt.Fprintf(out, "entry %d: was noted, and is missing\n", seq)
		}
	}
	if !found.Keyed {
		fmt.Fprintln(out, "not checked: the MACs of entries and acceptances, because there is no secret (ENTREE_SECRET)")
	}
	if faults > 0 {
		return fmt.Errorf("the audit trail was changed: %d lines above", faults)
	}
	fmt.Fprintf(out, "the audit trail is complete: %d entries, %d blocks of events; the last one is %d:%s\n", found.Seq, found.Blocks, found.Seq, found.Hash)
	return nil
}

// ExportAudit writes the entries that match q, as JSON lines or as CSV.
func ExportAudit(ctx context.Context, s *store.Store, q audit.Query, asCSV bool, out io.Writer) error {
	if !asCSV {
		return s.Audit(ctx, q, func(l audit.Link) error { return audit.WriteJSON(out, l) })
	}
	sheet, err := spreadsheet.NewWriter(out, audit.Header...)
	if err != nil {
		return err
	}
	err = s.Audit(ctx, q, func(l audit.Link) error { return sheet.Write(audit.Cells(l)...) })
	return errors.Join(err, sheet.Close())
}
