package argon2_test

import (
	"fmt"

	"entree/internal/argon2"
)

func ExamplePool_IDKey() {
	pool := argon2.NewPool(2)
	fmt.Printf("%x\n", pool.IDKey([]byte("password"), []byte("somesalt"), 1, 64, 1, 24))
	// Output: 655ad15eac652dc59f7170a7332bf49b8469be1fdb9c28bb
}
