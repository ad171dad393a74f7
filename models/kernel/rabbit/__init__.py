"""RabbitMQ: waits that end, listeners that ask again, and queues gone deaf that are made anew."""
