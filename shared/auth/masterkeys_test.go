package auth_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"github.com/batch-inquiries/batch-inquiries/shared/auth"
)

// fakeSecrets has secrets by their ARN, and counts the reads of each.
type fakeSecrets struct {
	texts map[string]*string
	reads map[string]int
	err   error
}

func (f *fakeSecrets) GetSecretValue(_ context.Context, in *secretsmanager.GetSecretValueInput, _ ...func(*secretsmanager.Options)) (*secretsmanager.GetSecretValueOutput, error) {
	if f.reads == nil {
		f.reads = map[string]int{}
	}
	f.reads[*in.SecretId]++
	return &secretsmanager.GetSecretValueOutput{SecretString: f.texts[*in.SecretId]}, f.err
}

// Two generations of the master key.
var generations = map[string]*string{"first": aws.String(master), "second": aws.String(strings.ToUpper(master))}

func TestMasterKeys(t *testing.T) {
	t.Parallel()

	t.Run("a master key is the whole text of its secret", func(t *testing.T) {
		t.Parallel()
		for name, c := range map[string]struct {
			text *string
			err  error
			ok   bool
		}{
			"long enough":          {text: aws.String(master), ok: true},
			"too short to be safe": {text: aws.String(master[1:])},
			"binary, without text": {},
			"the service is down":  {err: errors.New("no answer")},
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				secrets := &fakeSecrets{texts: map[string]*string{"arn": c.text}, err: c.err}
				keys, err := auth.NewMasterKeys(secrets, []string{"arn"}).Keys(t.Context(), 1)
				if (err == nil) != c.ok {
					t.Fatalf("error %v", err)
				}
				if c.ok && keys.Issue("k1", 1) != newKeys(t, master).Issue("k1", 1) {
					t.Error("the master key is not the text of the secret")
				}
			})
		}
	})

	t.Run("keys of an earlier generation are valid after a new one was added", func(t *testing.T) {
		t.Parallel()
		secrets := &fakeSecrets{texts: generations}
		before, after := auth.NewMasterKeys(secrets, []string{"first"}), auth.NewMasterKeys(secrets, []string{"first", "second"})
		if before.Current() != 1 || after.Current() != 2 {
			t.Fatalf("the current generations are %d and %d", before.Current(), after.Current())
		}
		issued := map[int]string{}
		for generation, master := range map[int]*auth.MasterKeys{1: before, 2: after} {
			keys, err := master.Keys(t.Context(), generation)
			if err != nil {
				t.Fatal(err)
			}
			issued[generation] = keys.Issue("k1", 1)
		}
		for generation, key := range issued {
			parsed, err := auth.ParseKey(key)
			if err != nil {
				t.Fatal(err)
			}
			for with := 1; with <= 2; with++ {
				keys, err := after.Keys(t.Context(), with)
				if err != nil {
					t.Fatal(err)
				}
				if got, want := keys.Verify(parsed, 1), with == generation; got != want {
					t.Errorf("a key of generation %d is valid with generation %d: %t", generation, with, got)
				}
			}
		}
	})

	// It may be a generation of a deployment that has only just begun.
	t.Run("a generation that is not deployed is an outage", func(t *testing.T) {
		t.Parallel()
		master := auth.NewMasterKeys(&fakeSecrets{texts: generations}, []string{"first", "second"})
		parsed, err := auth.ParseKey(newKeys(t, "0123456789abcdef0123456789abcdef").Issue("k1", 1))
		if err != nil {
			t.Fatal(err)
		}
		for _, generation := range []int{-1, 0, 3} {
			_, err := master.Keys(t.Context(), generation)
			if err == nil || errors.Is(err, auth.ErrUnknownKey) || errors.Is(err, auth.ErrEndedKey) || errors.Is(err, auth.ErrMalformedKey) {
				t.Errorf("generation %d: error %v", generation, err)
			}
		}
		if _, err := master.Ended(t.Context(), parsed, 5, 3); err == nil {
			t.Error("Ended answers without the key's generation")
		}
	})

	t.Run("a generation is read once, when it is first needed", func(t *testing.T) {
		t.Parallel()
		secrets := &fakeSecrets{texts: generations, err: errors.New("no answer")}
		master := auth.NewMasterKeys(secrets, []string{"first", "second"})
		if _, err := master.Keys(t.Context(), 2); err == nil {
			t.Error("there is no error while the service is down")
		}
		secrets.err = nil
		for range 3 {
			if _, err := master.Keys(t.Context(), 2); err != nil {
				t.Error(err)
			}
		}
		if secrets.reads["second"] != 2 || secrets.reads["first"] != 0 {
			t.Errorf("reads %v, want one of the second secret that fails and one that succeeds", secrets.reads)
		}
	})
}

func TestMasterKeysEnded(t *testing.T) {
	t.Parallel()

	master := auth.NewMasterKeys(&fakeSecrets{texts: generations}, []string{"first", "second"})
	for name, generation := range map[string]int{"made with the same generation": 2, "made with an earlier generation": 1} {
		keys, err := master.Keys(t.Context(), generation)
		if err != nil {
			t.Fatal(err)
		}
		parsed, err := auth.ParseKey(keys.Issue("k1", 3))
		if err != nil {
			t.Fatal(err)
		}
		for version, want := range map[int]bool{1: false, 3: false, 4: true, 103: true, 104: false} {
			if got, err := master.Ended(t.Context(), parsed, version, 2); err != nil || got != want {
				t.Errorf("a key of version 3, %s, while version %d is valid: ended %t, want %t, error %v", name, version, got, want, err)
			}
		}
		// A generation after that of the version in use cannot have made an earlier one.
		if got, err := master.Ended(t.Context(), parsed, 4, 1); err != nil || got != (generation == 1) {
			t.Errorf("%s, while the version in use was made with the first: ended %t, error %v", name, got, err)
		}
	}
}
