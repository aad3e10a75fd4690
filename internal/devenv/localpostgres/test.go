package localpostgres

// Test is the part of testing.TB that ForTest needs. The programs that link this
// package do not link package testing.
type Test interface {
	Helper()
	Fatal(args ...any)
	Cleanup(func())
}

// ForTest returns the DSN of a new database on a server that runs until the test ends.
func ForTest(t Test, name string) string { return forTest(t, name, Start) }

// DurableForTest is ForTest with StartDurable.
func DurableForTest(t Test, name string) string { return forTest(t, name, StartDurable) }

func forTest(t Test, name string, start func() (*Server, error)) string {
	t.Helper()
	server, err := start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Stop() })
	dsn, err := server.DSN(name)
	if err != nil {
		t.Fatal(err)
	}
	return dsn
}
