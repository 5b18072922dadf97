package auth

import (
	"context"
	"fmt"
	"sync"

	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
)

// SecretReader is the call to Secrets Manager that MasterKeys makes.
type SecretReader interface {
	GetSecretValue(ctx context.Context, in *secretsmanager.GetSecretValueInput, opts ...func(*secretsmanager.Options)) (*secretsmanager.GetSecretValueOutput, error)
}

// MasterKeys are the generations of the master key, each in a secret of its own. New
// API keys are made with the current generation. Earlier generations are kept, so that
// the API keys that were made with them still work.
//
// A generation is read when it is first needed, and then kept in memory.
type MasterKeys struct {
	secrets SecretReader
	arns    []string // of the secrets of generation 1, 2, and so on

	mu   sync.Mutex
	keys map[int]Keys // by generation
}

// NewMasterKeys returns the MasterKeys in these secrets, the first generation first.
func NewMasterKeys(secrets SecretReader, arns []string) *MasterKeys {
	return &MasterKeys{secrets: secrets, arns: arns, keys: map[int]Keys{}}
}

// Current returns the generation to make new API keys with.
func (m *MasterKeys) Current() int { return len(m.arns) }

// Keys returns the Keys of one generation. An error never means that an API key is
// invalid: a generation that is missing here may exist in a newer deployment.
func (m *MasterKeys) Keys(ctx context.Context, generation int) (Keys, error) {
	if generation < 1 || generation > len(m.arns) {
		return Keys{}, fmt.Errorf("generation %d of the master key is not deployed; the current one is %d", generation, m.Current())
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if keys, found := m.keys[generation]; found {
		return keys, nil
	}
	keys, err := m.read(ctx, m.arns[generation-1])
	if err != nil {
		return Keys{}, fmt.Errorf("reading generation %d of the master key: %w", generation, err)
	}
	m.keys[generation] = keys
	return keys, nil
}

// maxEnded is how many earlier versions of a key are recognized.
const maxEnded = 100

// Ended reports whether the key was rotated: its secret belongs to a version before
// this one. The earlier version may have been made with an earlier generation.
func (m *MasterKeys) Ended(ctx context.Context, p ParsedKey, version, generation int) (bool, error) {
	for ; generation > 0; generation-- {
		keys, err := m.Keys(ctx, generation)
		if err != nil {
			return false, err
		}
		for earlier := version - 1; earlier >= max(1, version-maxEnded); earlier-- {
			if keys.Verify(p, earlier) {
				return true, nil
			}
		}
	}
	return false, nil
}

// read returns the Keys of the master key in a secret, which is the secret's whole text.
func (m *MasterKeys) read(ctx context.Context, arn string) (Keys, error) {
	out, err := m.secrets.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: &arn})
	if err != nil {
		return Keys{}, err
	}
	if out.SecretString == nil {
		return Keys{}, fmt.Errorf("the secret has no text")
	}
	return NewKeys([]byte(*out.SecretString))
}
