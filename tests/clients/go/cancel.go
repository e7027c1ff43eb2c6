// Go's net/http with the body as a strings.Reader, whose length the library knows.
package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
)

func main() {
	body := strings.NewReader(fmt.Sprintf(`{
    "client_id": "%s",
    "exchange_order_id": "%s",
    "execution_type": "BO",
    "leg_order_indicator": "ENTRY",
    "oms_order_id": "%s",
    "status": "CONFIRMED"
}`, os.Args[3], os.Args[4], os.Args[5]))
	request, err := http.NewRequest("DELETE", os.Args[1], body)
	if err != nil {
		panic(err)
	}
	request.Header.Add("x-device-type", "WEB")
	request.Header.Add("x-authorization-token", os.Args[2])
	request.Header.Add("content-type", "application/json")
	reply, err := (&http.Client{}).Do(request)
	if err != nil {
		panic(err)
	}
	defer reply.Body.Close()
	said, err := io.ReadAll(reply.Body)
	if err != nil {
		panic(err)
	}
	fmt.Printf("%d\n%s", reply.StatusCode, said)
}
