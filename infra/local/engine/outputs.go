package engine

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"unicode"
)

// Outputs are the outputs of the deployed stack.
type Outputs struct {
	TableName          string
	QueueURL           string `json:"QueueUrl"`
	DeadLetterQueueURL string `json:"DeadLetterQueueUrl"`
	UserPoolID         string `json:"UserPoolId"`
	UserPoolClientID   string `json:"UserPoolClientId"`
	UsagePlanID        string `json:"UsagePlanId"`

	// MasterKeyGeneration is the generation of the master key for new API keys.
	MasterKeyGeneration string

	// APIURL is the API's address on this machine, without a slash at the end. The
	// stack's own output has a host that exists only on AWS.
	APIURL string `json:"ApiUrl"`

	// Functions has each function's name in this deployment, by its name in
	// shared/deployment.
	Functions map[string]string `json:"-"`
}

// readOutputs reads the file that `cdk deploy --outputs-file` wrote.
func (e *Engine) readOutputs(path string) (Outputs, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return Outputs{}, err
	}
	out, err := parseOutputs(data)
	if err != nil {
		return Outputs{}, fmt.Errorf("reading the stack's outputs: %w: see .local/log/deploy.log", err)
	}
	out.APIURL = e.endpoint + "/" + stage // see patch/addresses.py
	return out, nil
}

// parseOutputs reads the outputs of the only stack.
func parseOutputs(data []byte) (Outputs, error) {
	var stacks map[string]json.RawMessage
	if err := json.Unmarshal(data, &stacks); err != nil {
		return Outputs{}, err
	}
	for _, stack := range stacks {
		var values map[string]string
		out := Outputs{Functions: map[string]string{}}
		if err := errors.Join(json.Unmarshal(stack, &out), json.Unmarshal(stack, &values)); err != nil {
			return Outputs{}, err
		}
		for name, value := range values {
			if function, ok := strings.CutSuffix(name, "Function"); ok {
				out.Functions[folderName(function)] = value
			}
		}
		return out, nil
	}
	return Outputs{}, errors.New("the stack has no outputs")
}

// folderName returns the name of a function's folder: dispatch-batch for
// DispatchBatch.
func folderName(constructID string) string {
	var name strings.Builder
	for i, r := range constructID {
		if unicode.IsUpper(r) && i > 0 {
			name.WriteByte('-')
		}
		name.WriteRune(unicode.ToLower(r))
	}
	return name.String()
}
