package mem_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/polygate/polygate/core/store"
	"github.com/polygate/polygate/core/store/mem"
	"github.com/polygate/polygate/core/store/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestStore(t *testing.T) {
	storetest.Run(t, func(t *testing.T) (store.Store, store.Writer) {
		s := mem.New()
		t.Cleanup(func() {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
		return s, s
	})
}

func TestValueIsCopied(t *testing.T) {
	s := mem.New()
	value := []byte("before")
	if _, err := s.Put(t.Context(), "routes/1", value, store.Cond{}); err != nil {
		t.Fatal(err)
	}
	copy(value, "after!")
	got, err := s.Get(t.Context(), "routes/1")
	if err != nil || string(got.Value) != "before" {
		t.Errorf("got %q, %v, want %q, nil", got.Value, err, "before")
	}
}
