/* SPDX-License-Identifier: Apache-2.0 */
/* client BASE CELL: three requests by net/http; see https-clients-test.py. */
package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
)

func ask(method string, url string, body io.Reader) {
	request, err := http.NewRequest(method, url, body)
	if err != nil {
		panic(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Printf("STATUS %d\n%s\n", response.StatusCode, strings.TrimSpace(string(text)))
}

func main() {
	base, cell := os.Args[1], os.Args[2]
	ask("GET", base+"/allowed/"+cell, nil)
	ask("POST", base+"/refused/"+cell, strings.NewReader("secret"))
	ask("GET", base+"/hidden/"+cell, nil)
}
