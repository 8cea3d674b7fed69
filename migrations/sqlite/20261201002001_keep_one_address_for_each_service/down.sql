DROP TABLE address_name;
DROP TABLE service_address;
