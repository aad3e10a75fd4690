package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"strings"
)

// rowsOf is implemented by *sql.DB, *sql.Conn and *sql.Tx.
type rowsOf interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// rowQuerier is implemented by *sql.DB and *sql.Tx, for queries of one row.
type rowQuerier interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// eachRow runs a query and calls see for each row. It stops at the first error
// of see and returns it.
func eachRow(ctx context.Context, db rowsOf, see func(scan func(...any) error) error, query string, args ...any) error {
	rows, err := db.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := see(rows.Scan); err != nil {
			return err
		}
	}
	return rows.Err()
}

// all runs a query and returns its rows, each read by scan. If it fails, it
// returns no rows.
func all[T any](ctx context.Context, db rowsOf, scan func(func(...any) error) (T, error), query string, args ...any) ([]T, error) {
	var out []T
	err := eachRow(ctx, db, func(values func(...any) error) error {
		row, err := scan(values)
		out = append(out, row)
		return err
	}, query, args...)
	if err != nil {
		return nil, err
	}
	return out, nil
}

// value reads a row with one column.
func value[T any](scan func(...any) error) (v T, err error) {
	err = scan(&v)
	return v, err
}

// document reads a row whose only column is a JSON document.
func document[T any](scan func(...any) error) (v T, err error) {
	var doc string
	if err = scan(&doc); err == nil {
		err = json.Unmarshal([]byte(doc), &v)
	}
	return v, err
}

// texts returns the values of a query with one column.
func texts(ctx context.Context, db rowsOf, query string, args ...any) ([]string, error) {
	return all(ctx, db, value[string], query, args...)
}

// marks returns n placeholders of parameters, "$1, $2" from 1 on.
func marks(from, n int) string {
	var b strings.Builder
	for i := range n {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "$%d", from+i)
	}
	return b.String()
}

// counts returns the sums of a query whose rows are a key and a number.
func counts[K comparable](ctx context.Context, db rowsOf, query string, args ...any) (map[K]int64, error) {
	out := map[K]int64{}
	err := eachRow(ctx, db, func(scan func(...any) error) error {
		var key K
		var n int64
		err := scan(&key, &n)
		out[key] += n
		return err
	}, query, args...)
	return out, err
}
