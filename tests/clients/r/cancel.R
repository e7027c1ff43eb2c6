# httr's VERB with the headers as a named vector and the body as one text.
library(httr)

given <- commandArgs(trailingOnly = TRUE)
headers <- c(
  "x-device-type" = "WEB",
  "x-authorization-token" = given[2],
  "content-type" = "application/json"
)
body <- sprintf('{
"client_id": "%s",
"exchange_order_id": "%s",
"execution_type": "BO",
"leg_order_indicator": "ENTRY",
"oms_order_id": "%s",
"status": "CONFIRMED"
}', given[3], given[4], given[5])
reply <- VERB("DELETE", url = given[1], body = body, add_headers(headers))
cat(status_code(reply), "\n", content(reply, "text"), sep = "")
